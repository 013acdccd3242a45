//! Embedded servers that speak the PostgreSQL, Redis and AMQP wire protocols.
