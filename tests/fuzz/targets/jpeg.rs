//! A camera's JPEG, found whole or mended: what comes out is whole, and mending it again changes nothing.
#![no_main]

use spotter::capture::jfif::{REPAIR_BYTES, repair};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut mended = bytes.to_vec();
    match repair(&mut mended) {
        Err(_) => assert_eq!(mended, bytes, "what is refused stays as it was"),
        Ok(_) => {
            assert!(mended.len() <= bytes.len() + REPAIR_BYTES && mended.ends_with(&[0xff, 0xd9]));
            let mut again = mended.clone();
            repair(&mut again).expect("what was mended is whole");
            assert_eq!(again, mended);
        }
    }
});
