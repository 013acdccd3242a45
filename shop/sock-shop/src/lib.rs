//! Sock Shop: eight services, one file each.
//!
//! A service is a function `app(Context) -> Router`; [`SHOP`] lists them with their
//! releases. What they promise to each other and to browsers is pinned by tests.

mod carts;
mod catalogue;
mod errors;
mod front_end;
mod health;
mod number;
mod object_id;
mod orders;
mod payment;
mod queue_master;
mod releases;
mod shipping;
mod user;

use shop_kit::{Service, Shop};

/// Sock Shop and its eight services.
pub const SHOP: Shop = Shop {
    name: "sock-shop",
    services: &[
        Service {
            name: "front-end",
            app: front_end::app,
            errors: errors::node,
            releases: releases::COMMON,
        },
        Service {
            name: "user",
            app: user::app,
            errors: errors::go,
            releases: releases::COMMON,
        },
        Service {
            name: "catalogue",
            app: catalogue::app,
            errors: errors::go,
            releases: releases::CATALOGUE,
        },
        Service {
            name: "carts",
            app: carts::app,
            errors: errors::spring,
            releases: releases::COMMON,
        },
        Service {
            name: "orders",
            app: orders::app,
            errors: errors::spring,
            releases: releases::COMMON,
        },
        Service {
            name: "payment",
            app: payment::app,
            errors: errors::go,
            releases: releases::COMMON,
        },
        Service {
            name: "shipping",
            app: shipping::app,
            errors: errors::spring,
            releases: releases::COMMON,
        },
        Service {
            name: "queue-master",
            app: queue_master::app,
            errors: errors::spring,
            releases: releases::COMMON,
        },
    ],
};
