//! The encoder on the graphics processor: CUDA's nvJPEG, opened at run time.
//!
//! The planes are copied once, into memory that the graphics processor reads where it lies; everything of one encoder
//! goes through one stream of its own. It takes 4:2:0 and grey; any other chroma is halved first. After a fault all
//! that the encoder holds is given back, and the next frame begins anew.
//!
//! It shares the graphics processor with whatever else runs there, the pose engine above all.

mod ffi;
mod library;

use std::sync::Arc;

pub use self::ffi::CallFault;
use self::ffi::{Functions, Session};
pub use self::library::{LibraryFault, Places};
use super::prepare::{Prepared, Quartered, longest};
use super::{EncodeFault, Variant};
use crate::frame::Frame;

/// Both libraries, found and fit; cheap to clone.
#[derive(Clone)]
pub struct Library {
    functions: Arc<Functions>,
    about: String,
}

impl Library {
    /// The first pair that fits.
    ///
    /// # Errors
    /// Why none does, or why CUDA cannot be used.
    pub fn open(places: &Places) -> Result<Library, EncodeFault> {
        let file = places.nvjpeg()?;
        let functions = Arc::new(Functions::load(&file, || places.cudart(&file))?);
        let about = format!("version {} of {}", functions.version(), file.display());
        Ok(Library { functions, about })
    }

    /// Its version and where it is.
    pub fn about(&self) -> &str {
        &self.about
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Library({})", self.about)
    }
}

/// One encoder; owned by one jpeg thread.
pub struct Nvjpeg {
    library: Library,
    /// Nothing after a fault.
    session: Option<Session>,
    prepare: Quartered,
}

impl Nvjpeg {
    /// A new one.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(library: &Library) -> Result<Nvjpeg, EncodeFault> {
        let session = Some(Session::open(&library.functions)?);
        Ok(Nvjpeg { library: library.clone(), session, prepare: Quartered::new()? })
    }

    pub(super) fn encode(
        &mut self,
        frame: &Frame,
        variant: Variant,
        out: &mut Vec<u8>,
    ) -> Result<(usize, usize), EncodeFault> {
        let picture = match self.prepare.picture(frame, variant, out)? {
            Prepared::Done(width, height) => return Ok((width, height)),
            Prepared::Planes(picture) => picture,
        };
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.library.functions)?,
        };
        session.encode(&picture, variant.quality_or_default(), longest(&picture)?, out)?;
        self.session = Some(session);
        Ok((picture.width, picture.height))
    }
}
