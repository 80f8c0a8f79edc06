//! How the bytes of an image go into a store: in parts of one size, or in one piece.
//!
//! Parts are held in memory while they are sent, so they are as small as the store's bounds let them be.

/// How large parts are where no bound asks for more. S3 wants 5 MiB at least, and each part is a call.
pub const USUAL: u64 = 8 << 20;

/// Sizes are multiples of it, so that another bound does not mean another size at once.
const STEP: u64 = 1 << 20;

/// What a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Parts, of which it makes an object.
    Parts {
        /// How many an object has at most.
        most: u64,
        /// How many bytes each but the last has at least.
        least: u64,
        /// How many bytes one has at most.
        largest: u64,
    },
    /// Nothing but whole objects.
    Whole {
        /// How many bytes one has at most.
        largest: u64,
    },
}

/// How one image goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In parts of so many bytes; what is no larger than one is an object at once.
    Parts(usize),
    /// In one piece, as it comes, of at most so many bytes.
    Whole(u64),
}

/// The image does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WayError {
    /// The store makes no object of parts.
    #[error(
        "the image is larger than {largest} bytes, which is all that this store takes as one object, since it makes none of parts (its Swift has neither `slo` nor `dlo`); have `slo` enabled there, or mirror into another store"
    )]
    NoParts {
        /// How many bytes an object has at most.
        largest: u64,
    },
    /// Not even in the most and the largest parts.
    #[error(
        "the image has {size} bytes; this store takes at most {most} parts of {largest} bytes each; mirror into another store"
    )]
    TooLarge {
        /// The bytes of the image.
        size: u64,
        /// How many parts an object has at most.
        most: u64,
        /// How many bytes one has at most.
        largest: u64,
    },
}

/// How an image of `size` bytes goes into a store; `limit` is what it has at most where nobody knows its size.
///
/// The same for the same image and store each time, so that what a dead run left can be used.
pub fn way(size: Option<u64>, limit: u64, offer: Offer) -> Result<Way, WayError> {
    match offer {
        // What fits into memory goes as every small object does.
        Offer::Whole { largest } if size.is_some_and(|size| size <= USUAL.min(largest)) => {
            Ok(Way::Parts(bytes(USUAL)))
        }
        Offer::Whole { largest } if size.is_some_and(|size| size > largest) => {
            Err(WayError::NoParts { largest })
        }
        Offer::Whole { largest } => Ok(Way::Whole(largest)),
        Offer::Parts {
            most,
            least,
            largest,
        } => {
            let size = size.unwrap_or(limit);
            let part = size.div_ceil(most.max(1)).max(least).max(USUAL);
            let part = part.div_ceil(STEP) * STEP;
            if part <= largest {
                return Ok(Way::Parts(bytes(part)));
            }
            // Bounds that no multiple of the step is between.
            if largest >= least && size.div_ceil(largest.max(1)) <= most {
                return Ok(Way::Parts(bytes(largest)));
            }
            Err(WayError::TooLarge {
                size,
                most,
                largest,
            })
        }
    }
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: u64 = 1 << 20;
    const GIBIBYTE: u64 = 1 << 30;
    const S3: Offer = Offer::Parts {
        most: 10_000,
        least: 5 * MEBIBYTE,
        largest: 5 * GIBIBYTE,
    };

    fn part(size: u64, offer: Offer) -> u64 {
        match way(Some(size), u64::MAX, offer) {
            Ok(Way::Parts(part)) => part as u64,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_are_as_small_as_their_number_allows() {
        for size in [0, 1, USUAL, 7 * GIBIBYTE, 78 * GIBIBYTE] {
            assert_eq!(part(size, S3), USUAL);
        }
        for size in [80 * GIBIBYTE, GIBIBYTE << 10, 40 * (GIBIBYTE << 10)] {
            let part = part(size, S3);
            assert!(part > USUAL && part.is_multiple_of(MEBIBYTE) && size.div_ceil(part) <= 10_000);
        }
        let swift = Offer::Parts {
            most: 1000,
            least: 1,
            largest: 5 * GIBIBYTE + 2,
        };
        assert_eq!(part(7 * GIBIBYTE, swift), USUAL);
        assert_eq!(part(64 * GIBIBYTE, swift), 66 * MEBIBYTE);
        // Nobody knows how large it is.
        assert_eq!(way(None, GIBIBYTE, S3), Ok(Way::Parts(8 << 20)));
    }

    #[test]
    fn a_store_of_small_objects_takes_what_its_parts_can_hold() {
        let small = Offer::Parts {
            most: 10,
            least: 1,
            largest: 1000,
        };
        assert_eq!(part(10_000, small), 1000);
        insta::assert_snapshot!(way(Some(10_001), 0, small).unwrap_err(), @"the image has 10001 bytes; this store takes at most 10 parts of 1000 bytes each; mirror into another store");
    }

    #[test]
    fn what_is_too_large_for_a_store_without_parts_is_said() {
        let whole = Offer::Whole { largest: GIBIBYTE };
        assert_eq!(way(Some(1), 0, whole), Ok(Way::Parts(8 << 20)));
        assert_eq!(way(Some(GIBIBYTE), 0, whole), Ok(Way::Whole(GIBIBYTE)));
        assert_eq!(way(None, u64::MAX, whole), Ok(Way::Whole(GIBIBYTE)));
        insta::assert_snapshot!(way(Some(GIBIBYTE + 1), 0, whole).unwrap_err(), @"the image is larger than 1073741824 bytes, which is all that this store takes as one object, since it makes none of parts (its Swift has neither `slo` nor `dlo`); have `slo` enabled there, or mirror into another store");
    }
}
