//! Sock Shop: eight services and the payment provider, one file each.
//!
//! A service is a function `app(Context) -> Router`; [`SHOP`] lists them with their
//! releases. What they promise to each other and to browsers is pinned by tests.

mod carts;
mod catalogue;
mod durations;
mod errors;
mod front_end;
mod health;
mod number;
mod object_id;
mod openapi;
mod orders;
mod payment;
mod payment_gateway;
mod query;
mod queue_master;
mod releases;
mod shipping;
mod user;

use shop_kit::{Service, Shop};

/// Sock Shop: its eight services, and the payment provider that one of them calls.
pub const SHOP: Shop = Shop {
    name: "sock-shop",
    services: &[
        Service {
            name: "front-end",
            app: front_end::app,
            errors: errors::node,
            releases: releases::FRONT_END,
        },
        Service {
            name: "user",
            app: user::app,
            errors: errors::go,
            releases: releases::USER,
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
            releases: releases::CARTS,
        },
        Service {
            name: "orders",
            app: orders::app,
            errors: errors::spring,
            releases: releases::ORDERS,
        },
        Service {
            name: "payment",
            app: payment::app,
            errors: errors::go,
            releases: releases::PAYMENT,
        },
        Service {
            name: "payment-gateway",
            app: payment_gateway::app,
            errors: errors::stripe,
            releases: releases::COMMON,
        },
        Service {
            name: "shipping",
            app: shipping::app,
            errors: errors::spring,
            releases: releases::SHIPPING,
        },
        Service {
            name: "queue-master",
            app: queue_master::app,
            errors: errors::spring,
            releases: releases::QUEUE_MASTER,
        },
    ],
};
