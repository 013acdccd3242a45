//! The releases of Sock Shop's services, and what is wrong with some of them.
//!
//! `v1.0.0`, `v1.0.1` and `v1.1.0` of every service are good. The others, for authors of
//! scenarios (a tag deploys the bug, `kubectl rollout undo` takes it back):
//!
//! | service | tag | what it does wrong | what one sees |
//! |---|---|---|---|
//! | front-end | `v1.1.3` | dies when catalogue cannot be reached as a sock is put into a cart | restarts of front-end with exit code 1, all customers cut off |
//! | front-end | `v1.2.1` | answers 201 to `POST /orders` whatever orders said | customers are thanked, orders' errors and missing orders tell otherwise |
//! | catalogue | `v1.4.2` | its breaker counts unknown ids as failures | six unknown ids, and every sock's page is 500 for 30 s |
//! | catalogue | `v1.2.1` | asks the database once more for each sock and tag of a listing | slow listings, 36 statements each, catalogue-db busy |
//! | catalogue | `v1.3.1` | keeps 512 KiB of every request for good | memory rises with the load, OOMKilled, exit code 137 |
//! | catalogue | `v1.1.2` | says "not found" when its database fails | socks that exist are 404, no 500 of `GET /catalogue/{id}` |
//! | carts | `v1.1.3` | throws the session's lines away at login | carts are empty after login, no error anywhere |
//! | carts | `v1.2.2` | leaves the session's lines where they were at login | lines come once more with every login |
//! | orders | `v1.2.1` | saves an order after payment and shipping only | no row of failed payments; a crash in between loses a paid order |
//! | orders | `v1.3.0` | gives payment half a second, and asks again after 10 ms without end | a slow or dead payment gets a storm of calls, orders burns CPU |
//! | payment | `v1.1.2` | refuses every card that begins with 5 | "card not accepted" for that whole brand, HTTP 200 throughout |
//! | payment | `v1.2.3` | has a limit of 20.00 in place of 105.00 | dearer orders are declined, cheap ones pass |
//! | shipping | `v1.1.1` | takes a shipment that the queue rejected as sent | orders say SHIPPED and are never delivered |
//! | queue-master | `v1.1.1` | takes a delivery off the queue before orders knows of it | while orders is away, deliveries are lost for good |
//! | user | `v1.1.4` | at login, compares the password with every customer's | logins take 50 ms of CPU for each customer there is, `password_comparisons_total` says so |
//!
//! The names of defects stay in this program.

use shop_kit::{Defect, Release};

/// Six unknown ids in a row open the breaker of `GET /catalogue/{id}`.
pub(crate) const BREAKER_COUNTS_NOT_FOUND: Defect = Defect("breaker-counts-not-found");
/// A listing reads tags sock by sock.
pub(crate) const READS_ONE_BY_ONE: Defect = Defect("reads-one-by-one");
/// Every request leaves memory behind.
pub(crate) const LEAKS: Defect = Defect("leaks");
/// `GET /catalogue/{id}` is 404 when the database fails.
pub(crate) const FAILURE_IS_NOT_FOUND: Defect = Defect("failure-is-not-found");
/// The process dies when catalogue is unreachable on `POST /cart`.
pub(crate) const DIES_WITHOUT_CATALOGUE: Defect = Defect("dies-without-catalogue");
/// `POST /orders` is 201 whatever orders said.
pub(crate) const IGNORES_ORDER_STATUS: Defect = Defect("ignores-order-status");
/// Merging throws the session's lines away.
pub(crate) const MERGE_LOSES_LINES: Defect = Defect("merge-loses-lines");
/// Merging leaves the session's lines where they were.
pub(crate) const MERGE_DUPLICATES_LINES: Defect = Defect("merge-duplicates-lines");
/// An order is stored after payment and shipping only.
pub(crate) const SAVES_LAST: Defect = Defect("saves-last");
/// Payment is asked again at once, without end.
pub(crate) const RETRIES_WITHOUT_END: Defect = Defect("retries-without-end");
/// Cards that begin with 5 are refused.
pub(crate) const REFUSES_MASTERCARD: Defect = Defect("refuses-mastercard");
/// The limit is far too low.
pub(crate) const LIMIT_TOO_LOW: Defect = Defect("limit-too-low");
/// A rejected shipment counts as sent.
pub(crate) const SWALLOWS_REJECTIONS: Defect = Defect("swallows-rejections");
/// A delivery is acknowledged before orders knows of it.
pub(crate) const ACKNOWLEDGES_FIRST: Defect = Defect("acknowledges-first");
/// A login compares the password with every customer's.
pub(crate) const LOGIN_TRIES_ALL: Defect = Defect("login-tries-all");

/// Releases of services that never had a bad one.
pub(crate) const COMMON: &[Release] = &[GOOD[0], GOOD[1], GOOD[2]];

const GOOD: [Release; 3] = [
    Release::good("v1.0.0"),
    Release::good("v1.0.1"),
    Release::good("v1.1.0"),
];

/// Releases of front-end.
pub(crate) const FRONT_END: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.3", &[DIES_WITHOUT_CATALOGUE]),
    Release::with("v1.2.1", &[IGNORES_ORDER_STATUS]),
];

/// Releases of catalogue.
pub(crate) const CATALOGUE: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.2", &[FAILURE_IS_NOT_FOUND]),
    Release::with("v1.2.1", &[READS_ONE_BY_ONE]),
    Release::with("v1.3.1", &[LEAKS]),
    Release::with("v1.4.2", &[BREAKER_COUNTS_NOT_FOUND]),
];

/// Releases of carts.
pub(crate) const CARTS: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.3", &[MERGE_LOSES_LINES]),
    Release::with("v1.2.2", &[MERGE_DUPLICATES_LINES]),
];

/// Releases of orders.
pub(crate) const ORDERS: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.2.1", &[SAVES_LAST]),
    Release::with("v1.3.0", &[RETRIES_WITHOUT_END]),
];

/// Releases of payment.
pub(crate) const PAYMENT: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.2", &[REFUSES_MASTERCARD]),
    Release::with("v1.2.3", &[LIMIT_TOO_LOW]),
];

/// Releases of shipping.
pub(crate) const SHIPPING: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.1", &[SWALLOWS_REJECTIONS]),
];

/// Releases of queue-master.
pub(crate) const QUEUE_MASTER: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.1", &[ACKNOWLEDGES_FIRST]),
];

/// Releases of user.
pub(crate) const USER: &[Release] = &[
    GOOD[0],
    GOOD[1],
    GOOD[2],
    Release::with("v1.1.4", &[LOGIN_TRIES_ALL]),
];
