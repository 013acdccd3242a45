//! What customers come for, by shop. A shop is one file and one line here.

mod sock_shop;

use std::future::Future;
use std::pin::Pin;

use model::{JourneyName, ShopName};

use crate::customer::{Customer, Lost};

/// A way through a shop.
pub(crate) struct Journey {
    /// Its name in records and scenarios.
    pub(crate) name: &'static str,
    /// How often it is made, beside the others.
    pub(crate) weight: u32,
    /// Makes it.
    pub(crate) go: Go,
}

/// A journey's steps.
pub(crate) type Go = for<'c, 'u> fn(&'c mut Customer<'u>) -> Steps<'c>;

/// A journey under way.
pub(crate) type Steps<'c> = Pin<Box<dyn Future<Output = Result<(), Lost>> + Send + 'c>>;

impl std::fmt::Debug for Journey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.weight)
    }
}

/// A shop as its customers know it.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Its name.
    pub(crate) name: &'static str,
    /// What they come for.
    pub(crate) journeys: &'static [Journey],
    /// The paths that answer once it is open: one for each service that a
    /// customer can notice.
    pub(crate) open: &'static [&'static str],
}

/// The shops whose journeys are known.
const SHOPS: [&Shop; 1] = [&sock_shop::SHOP];

pub(crate) fn registered(shop: &ShopName) -> Option<&'static Shop> {
    SHOPS.into_iter().find(|known| *shop == known.name)
}

/// The names of the journeys through `shop`; none where it is not known.
pub fn of_shop(shop: &ShopName) -> Vec<JourneyName> {
    let journeys = registered(shop).map_or(&[][..], |shop| shop.journeys);
    journeys.iter().map(|journey| journey.name.into()).collect()
}
