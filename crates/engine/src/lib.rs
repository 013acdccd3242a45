//! Runs one drill: brings it up, breaks it, records every event, waits for the response.
