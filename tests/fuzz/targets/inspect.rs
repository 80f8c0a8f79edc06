//! Disk images from anywhere, declared as everything. The first two bytes of an input say in how large pieces the others come.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reglaze::domain::inspect::{DiskFormat, Inspected, Inspector, Refusal};

/// How many bytes a guest may see.
const LIMIT: u64 = 1 << 30;

/// Into so many pieces an image is cut.
const MOST_PIECES: usize = 8192;

fuzz_target!(|input: &[u8]| {
    let Some(([low, high], image)) = input.split_first_chunk() else {
        return;
    };
    // A large image in single bytes would take longer than an input may.
    let pieces = 1 + usize::from(u16::from_le_bytes([*low, *high]));
    let pieces = pieces.max(image.len() / MOST_PIECES);
    for declared in DiskFormat::ALL.map(DiskFormat::name) {
        let whole = inspected(declared, image, image.len().max(1));
        if let Ok(inspected) = &whole {
            assert_eq!(inspected.format.name(), declared);
            assert!(inspected.virtual_size <= LIMIT);
        }
        // How a network cuts an image into pieces says nothing of it.
        assert_eq!(whole, inspected(declared, image, pieces));
        // Nor does it say anything else where only that is shown for which it asks.
        assert_eq!(whole, inspected_in_parts(declared, image));
    }
});

fn inspected_in_parts(declared: &str, image: &[u8]) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(declared, LIMIT);
    while let Some(part) = inspector.next(image.len() as u64) {
        inspector.leave_out_to(part.start);
        let within = |place: u64| usize::try_from(place).unwrap();
        inspector.take(&image[within(part.start)..within(part.end)])?;
    }
    inspector.end()
}

fn inspected(declared: &str, image: &[u8], pieces: usize) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(declared, LIMIT);
    for piece in image.chunks(pieces) {
        inspector.take(piece)?;
    }
    inspector.end()
}
