use error_sentinel_wire::UnixMs;
