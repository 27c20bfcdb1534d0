//! `spotter bench encoders`: the encoders of this machine side by side, as a table for people or an array for programs.

use std::fmt::Write;

use crate::error::Exit;
use crate::jpeg::encoders::Contender;

/// Prints what was measured.
pub(super) fn tell(json: bool, measured: &[Contender]) -> Exit {
    if json {
        return super::tell(true, &measured);
    }
    super::super::put(table(measured).as_bytes())
}

fn table(measured: &[Contender]) -> String {
    let mut text = String::new();
    for one in measured {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", one.encoder, one.why);
        for run in &one.runs {
            let near = run.psnr_db.map_or("the CPU's picture".into(), |db| format!("{db:.1} dB from the CPU's"));
            let _ = writeln!(
                text,
                "  {:9} {} camera{}  {:6.2} ms, of 100 one longer than {:.2}; {:.2} ms of the processor; {near}",
                format!("{}x{}", run.width, run.height),
                run.cameras,
                if run.cameras == 1 { " " } else { "s" },
                run.ms,
                run.ms_p99,
                run.cpu_ms,
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::encoders::Run;

    #[test]
    fn a_line_for_each_run_and_the_reason_where_there_is_none() {
        let run = Run {
            width: 1280,
            height: 720,
            cameras: 2,
            frames: 100,
            ms: 1.234,
            ms_p99: 2.0,
            cpu_ms: 0.5,
            psnr_db: Some(51.04),
        };
        let there = Contender {
            encoder: "nvjpeg",
            why: "version 13".into(),
            runs: vec![run, Run { cameras: 1, psnr_db: None, ..run }],
        };
        let absent =
            Contender { encoder: "nvjpegenc", why: "GStreamer has no element nvjpegenc".into(), runs: Vec::new() };
        let expected = "\
nvjpeg: version 13
  1280x720  2 cameras    1.23 ms, of 100 one longer than 2.00; 0.50 ms of the processor; 51.0 dB from the CPU's
  1280x720  1 camera     1.23 ms, of 100 one longer than 2.00; 0.50 ms of the processor; the CPU's picture
nvjpegenc: GStreamer has no element nvjpegenc
";
        assert_eq!(table(&[there, absent]), expected);
    }
}
