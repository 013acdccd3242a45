//! The shop's customers: journeys on goose, with a record of every request.
