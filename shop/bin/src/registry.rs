//! The shops that this program knows: one line each.

use shop_kit::Shop;

/// Every shop.
pub(crate) const SHOPS: &[Shop] = &[
    sock_shop::SHOP, //
];
