//! Puts the stages together and runs them until the process is told to stop.
