//! Placeholder while the public interface settles.
