//! Numbers of traces and spans, and the headers that a gateway says a request had. [unsafe]

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;

use crate::rules::trace::id_stream::IdStream;

thread_local! {
    /// None: this session needed no number yet.
    static STREAM: Cell<Option<IdStream>> = const { Cell::new(None) };
}

/// A trace and a span that nobody has yet; neither is 0.
pub fn new() -> (u128, u64) {
    let mut stream = STREAM.get().unwrap_or_else(|| IdStream::new(random()));
    let ids = stream.draw();
    STREAM.set(Some(stream));
    ids
}

fn random() -> [u64; 3] {
    let mut random = [0_u64; 3];
    // SAFETY: the buffer has this length. Where the server finds no randomness, the clock and the process tell them apart.
    unsafe {
        if !pg_sys::pg_strong_random(random.as_mut_ptr().cast(), size_of_val(&random)) {
            let here =
                pg_sys::GetCurrentTimestamp().cast_unsigned() ^ u64::from(pg_sys::MyProcPid.cast_unsigned()) << 40;
            random = [here, !here, here.rotate_left(20)];
        }
    }
    random
}

/// What PostgREST and its like set for each request: a JSON object of its headers.
pub fn request_headers() -> Option<String> {
    // SAFETY: a setting that is not there is NULL; the text is copied before anything else runs.
    let text = unsafe {
        let text = pg_sys::GetConfigOption(c"request.headers".as_ptr(), true, false);
        if text.is_null() { None } else { Some(CStr::from_ptr(text)) }
    };
    text.map(|text| text.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}
