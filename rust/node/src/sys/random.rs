//! Random numbers from the kernel.

/// Fills with random bytes.
pub fn fill(bytes: &mut [u8]) {
    let mut filled = 0;
    while filled < bytes.len() {
        // SAFETY: the rest of the slice and its length.
        let count = unsafe { libc::getrandom(bytes[filled..].as_mut_ptr().cast(), bytes.len() - filled, 0) };
        // Interrupted at worst: Linux has getrandom since 3.17, and it blocks only in early boot.
        filled += usize::try_from(count).unwrap_or(0);
    }
}

pub fn u16() -> u16 {
    let mut bytes = [0; 2];
    fill(&mut bytes);
    u16::from_ne_bytes(bytes)
}

pub fn u32() -> u32 {
    let mut bytes = [0; 4];
    fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

pub fn u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
