//! What every service of every shop shares: context, errors, peers, readiness, drain, defects.
