//! What is kept, for how long, and how it is read: pages, an export, pictures.

use super::*;

#[test]
fn sets_are_kept_for_their_days_and_longer_if_they_still_have_to_be_delivered() {
    let mut bench = Bench::with(|settings| settings.retention.sets_days = 10);
    let (taken, now) = (bench.write(1), bench.now);
    let next = bench.ask(|store| store.next_delivery(PUMP)).unwrap().unwrap();
    bench.ask(|store| store.delivered(next.id, None, now)).unwrap();
    let waits = bench.write(2);
    bench.pass(10 * DAY_S - 60);
    assert_eq!(bench.list().len(), 2);
    bench.pass(DAY_S);
    assert_eq!(bench.list().iter().map(|row| row.id).collect::<Vec<_>>(), [waits], "{taken} is gone");
    // A clock that is far behind makes nothing old.
    bench.now.wall = Wall::from_unix_ms(0);
    bench.pass(DAY_S);
    assert_eq!(bench.list().len(), 1);
}

#[test]
fn pictures_go_by_age_and_then_by_bytes_the_oldest_first_and_nothing_outside_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("snapshots"), dir.path().join("outside"));
    for folder in [root.join("2026-11-01"), root.join("2026-11-02/deep"), outside.clone()] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let now = Reading { mono: mono(1.0), wall: Wall::from_unix_ms(MORNING_MS), asleep: Duration::ZERO };
    let put = |path: &Path, days_old: u64, bytes: usize| {
        std::fs::write(path, vec![b'x'; bytes]).unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_millis(MORNING_MS - days_old * DAY_S * 1000);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    put(&root.join("2026-11-01/a.png"), 40, 1000);
    put(&root.join("2026-11-02/b.png"), 20, 1000);
    put(&root.join("2026-11-02/c.png"), 10, 1000);
    put(&root.join("2026-11-02/deep/d.png"), 0, 1000);
    put(&root.join("1970.png"), MORNING_MS / 1000 / DAY_S, 10);
    put(&outside.join("precious"), 400, 5000);
    std::os::unix::fs::symlink(&outside, root.join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("precious"), root.join("file")).unwrap();
    let implausible = Reading { wall: Wall::from_unix_ms(5), ..now };
    assert_eq!(prune(&root, 30, 0, implausible, 9), Pruned { removed: 0, failed: 0, bytes: 4010 });
    assert_eq!(prune(&root, 30, 0, now, 9), Pruned { removed: 1, failed: 0, bytes: 3010 });
    assert!(!root.join("2026-11-01").exists(), "an empty folder goes too");
    assert_eq!(prune(&root, 30, 3000, now, 9), Pruned { removed: 1, failed: 0, bytes: 3000 }, "1970 is the oldest");
    assert_eq!(prune(&root, 0, 1500, now, 1), Pruned { removed: 1, failed: 0, bytes: 2000 }, "one at once");
    assert_eq!(prune(&root, 0, 1500, now, 9), Pruned { removed: 1, failed: 0, bytes: 1000 });
    assert!(root.join("2026-11-02/deep/d.png").exists());
    assert!(outside.join("precious").exists() && root.join("file").symlink_metadata().is_ok());
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&root, &link).unwrap();
    assert_eq!(prune(&link, 0, 1, now, 9), Pruned::default(), "a link is not the folder");
    assert_eq!(prune(&dir.path().join("none"), 1, 1, now, 9), Pruned::default());
}

#[test]
fn the_picture_of_a_deleted_set_is_gone_and_what_lies_in_its_place_is_not_shown() {
    let mut bench = Bench::new();
    let ((id, place), (other, kept)) = (bench.write_pictured(), bench.write_pictured());
    let path = bench.settings.snapshots.join(&place);
    assert_eq!(bench.store.picture(&place).unwrap().as_deref(), Some(&b"jpeg"[..]));
    let now = bench.now;
    bench.ask(|store| store.delete(id, now)).unwrap();
    assert!(!path.exists());
    std::fs::write(&path, "a copy").unwrap();
    assert_eq!(bench.store.picture(&place), Ok(None));
    assert_eq!(bench.store.picture(&kept).unwrap().as_deref(), Some(&b"jpeg"[..]));
    std::fs::remove_file(bench.settings.snapshots.join(&kept)).unwrap();
    assert_eq!(bench.ask(|store| store.delete(other, now)), Ok(()), "one that was cleared away before is no fault");
}

#[test]
fn an_export_is_whole_however_many_pieces_it_has() {
    let mut bench = Bench::new();
    for n in 1..=201 {
        bench.push(1 + n % 3).unwrap();
    }
    bench.turn();
    let now = bench.now;
    let odd = Correction { note: Some(Some("=1+1, \"so\"\nand on".into())), ..Correction::default() };
    bench.ask(|store| store.correct(201, odd, now)).unwrap();
    let export = |format, since_ms| {
        let (mut export, mut out, mut pieces) = (bench.store.export(format, since_ms), Vec::new(), 1);
        while export.next_piece(&mut out).unwrap() {
            pieces += 1;
        }
        (String::from_utf8(out).unwrap(), pieces)
    };
    let (json, pieces) = export(Format::Json, 0);
    let list: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((list.len(), pieces), (201, 3));
    assert!(list.iter().zip(1..).all(|(set, id)| set["id"] == id));
    assert_eq!(list[0]["repetitions"].as_array().unwrap().len(), 2);
    let (csv, _) = export(Format::Csv, 0);
    let mut lines = csv.split("\r\n");
    assert_eq!(lines.next().unwrap().split(',').count(), 19);
    assert_eq!(
        lines.next().unwrap().split(',').take(9).collect::<Vec<_>>(),
        ["1", "rack", "Squat", "2", "", "", "2026-11-26T07:59:51.500Z", "2026-11-26T07:59:55.000Z", "good"]
    );
    assert_eq!(csv.matches("\r\n").count(), 202);
    assert!(csv.contains(",\"'=1+1, \"\"so\"\"\nand on\","), "{csv}");
    assert_eq!(export(Format::Json, u64::MAX).0, "[\n]\n");
    assert_eq!(export(Format::Csv, u64::MAX).0.matches("\r\n").count(), 1);
}

#[test]
fn a_page_is_limited_and_the_next_begins_where_it_ended() {
    let mut bench = Bench::with(|settings| settings.page_most = 3);
    for n in 1..=5 {
        bench.pass(60);
        bench.write(n);
    }
    let page = |since_ms, before, limit| {
        let rows = bench.store.list(&Page { since_ms, before, limit }).unwrap();
        rows.iter().map(|row| row.reps).collect::<Vec<_>>()
    };
    assert_eq!(page(0, None, 100), [5, 4, 3]);
    assert_eq!(page(0, Some(3), 100), [2, 1]);
    assert_eq!(page(0, None, 2), [5, 4]);
    assert!(page(0, None, 0).is_empty());
    let third = bench.store.set(3).unwrap().set.started_ms;
    assert_eq!(page(third, None, 100), [5, 4, 3]);
    assert_eq!(page(third + 1, None, 100), [5, 4]);
    assert!(page(u64::MAX, None, 100).is_empty());
}
