//! The trainee's console.
