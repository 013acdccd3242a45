//! The releases of Sock Shop's services, and what is wrong with some of them.

use shop_kit::{Defect, Release};

/// Six unknown ids in a row open the breaker of `GET /catalogue/{id}`.
pub(crate) const BREAKER_COUNTS_NOT_FOUND: Defect = Defect("breaker-counts-not-found");

/// Releases of services that never had a bad one.
pub(crate) const COMMON: &[Release] = &[
    Release::good("v1.0.0"),
    Release::good("v1.0.1"),
    Release::good("v1.1.0"),
];

/// Releases of catalogue.
pub(crate) const CATALOGUE: &[Release] = &[
    Release::good("v1.0.0"),
    Release::good("v1.0.1"),
    Release::good("v1.1.0"),
    Release::with("v1.4.2", &[BREAKER_COUNTS_NOT_FOUND]),
];
