//! Sock Shop: eight services, one file each.
