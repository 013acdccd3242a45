//! What customers read when something behind the shop does not work: the failure
//! matrix's column "user experience".

/// user is away, or says no.
pub(super) const AUTHENTICATION_FAILED: &str = "Authentication failed";
/// catalogue is away.
pub(super) const EMPTY_HOMEPAGE: &str = "Empty homepage";
/// catalogue has no database.
pub(super) const EMPTY_CATALOGUE: &str = "Empty catalogue";
/// carts, or the catalogue behind the item, is away.
pub(super) const ERROR_ADDING_ITEM: &str = "Error adding item";
/// The cart cannot be read.
pub(super) const EMPTY_CART: &str = "Empty cart";
/// orders, or its database, is away.
pub(super) const ORDER_FAILED: &str = "Order failed";
/// payment is away.
pub(super) const PAYMENT_FAILED: &str = "Payment failed";
/// The session is gone, or session-db is.
pub(super) const SESSION_EXPIRED: &str = "Session expired";
