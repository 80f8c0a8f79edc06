use super::*;

const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
const OLD: (&str, &str) = ("last-modified", "Fri, 20 Nov 2026 10:00:00 GMT");

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    pairs.collect()
}

/// Four bytes of nine, from a place that said this of the file.
fn four_of_nine(said: &[(&'static str, &'static str)]) -> Point {
    Point {
        received: 4,
        size: Some(9),
        identity: Some(Identity::of(&headers(said))),
    }
}

fn part(point: &Point, said: &[(&'static str, &'static str)]) -> Result<Begin, Misfit> {
    let headers = headers(said);
    let length = text(&headers, header::CONTENT_LENGTH).map(|length| length.parse().unwrap());
    point.begin(StatusCode::PARTIAL_CONTENT, &headers, length)
}

#[test]
fn only_a_strong_validator_is_asked_for() {
    let asked = |said: &[_]| {
        let headers = four_of_nine(said).headers();
        assert_eq!(headers[header::RANGE], "bytes=4-");
        assert_eq!(headers[header::ACCEPT_ENCODING], "identity");
        headers
            .get(header::IF_RANGE)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        asked(&[("etag", "\"a\""), OLD, DATE]).as_deref(),
        Some("\"a\"")
    );
    assert_eq!(asked(&[OLD, DATE]).as_deref(), Some(OLD.1));
    // A weak tag stands for files that are alike, and a date of the second in which the file was given for two files.
    for weak in [
        &[("etag", "W/\"a\""), OLD, DATE][..],
        &[OLD],
        &[("last-modified", DATE.1), DATE],
        &[],
    ] {
        assert_eq!(asked(weak), None, "{weak:?}");
    }
    assert!(!Point::default().headers().contains_key(header::RANGE));
}

#[test]
fn a_part_goes_on_only_if_it_begins_where_the_last_one_ended() {
    let point = four_of_nine(&[("etag", "\"a\"")]);
    let begin = part(
        &point,
        &[("content-range", "bytes 4-8/9"), ("content-length", "5")],
    );
    let begin = begin.unwrap();
    assert_eq!((begin.skip, begin.upto, begin.size), (0, Some(9), Some(9)));
    let begin = part(&point, &[("content-range", "bytes 4-5/9")]).unwrap();
    assert_eq!(
        begin.upto,
        Some(6),
        "a server may give less than it was asked for"
    );
    for (range, length) in [
        ("bytes 3-8/9", "6"),
        ("bytes 0-8/9", "9"),
        ("bytes 5-8/9", "4"),
        ("bytes 4-8/9", "4"),
        ("bytes 4-9/9", "6"),
        ("bytes 4-3/9", "0"),
        ("bytes +4-8/9", "5"),
        ("bytes 4-8", "5"),
        ("items 4-8/9", "5"),
        ("bytes 4-18446744073709551615/*", "5"),
        ("bytes 4-99999999999999999999/*", "5"),
    ] {
        let answer = part(
            &point,
            &[("content-range", range), ("content-length", length)],
        );
        assert!(
            matches!(answer, Err(Misfit::Odd { .. })),
            "{range}: {answer:?}"
        );
    }
    assert!(part(&point, &[]).is_err());
    let several = [
        ("content-type", "multipart/byteranges; boundary=x"),
        ("content-range", "bytes 4-8/9"),
    ];
    assert!(part(&point, &several).is_err());
}

#[test]
fn another_file_is_known_by_its_size_its_date_or_its_tag() {
    let changed = |was: &[_], is: &[_]| {
        let mut is = is.to_vec();
        if !is.iter().any(|(name, _)| *name == "content-range") {
            is.push(("content-range", "bytes 4-8/9"));
        }
        matches!(part(&four_of_nine(was), &is), Err(Misfit::Changed { .. }))
    };
    let other = ("last-modified", "Sat, 21 Nov 2026 08:00:00 GMT");
    assert!(changed(&[], &[("content-range", "bytes 4-9/10")]));
    assert!(changed(&[OLD], &[other]));
    assert!(changed(&[("etag", "\"a\"")], &[("etag", "\"b\"")]));
    assert!(changed(
        &[("etag", "\"a\""), OLD],
        &[("etag", "\"b\""), other]
    ));
    assert!(
        !changed(&[("etag", "\"a\""), OLD], &[("etag", "\"b\""), OLD]),
        "two servers, one file"
    );
    assert!(!changed(&[("etag", "W/\"a\"")], &[("etag", "\"a\"")]));
    assert!(!changed(&[("etag", "\"a\"")], &[]));
}

#[test]
fn what_nothing_tells_from_another_file_is_not_gone_on_with() {
    let unsized_one = Point {
        size: None,
        ..four_of_nine(&[])
    };
    let answer = part(&unsized_one, &[("content-range", "bytes 4-8/*")]);
    assert!(matches!(answer, Err(Misfit::Odd { .. })), "{answer:?}");
    let tagged = Point {
        size: None,
        ..four_of_nine(&[("etag", "W/\"a\"")])
    };
    assert!(
        part(
            &tagged,
            &[("content-range", "bytes 4-8/*"), ("etag", "W/\"a\"")]
        )
        .is_ok()
    );
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew_and_what_is_there_is_skipped() {
    let whole =
        |point: &Point, said: &[_], length| point.begin(StatusCode::OK, &headers(said), length);
    let point = four_of_nine(&[OLD]);
    assert_eq!(whole(&point, &[OLD], Some(9)).unwrap().skip, 4);
    assert_eq!(whole(&point, &[], Some(9)).unwrap().skip, 4);
    assert!(whole(&point, &[OLD], Some(8)).is_err());
    assert!(whole(&point, &[("last-modified", DATE.1)], Some(9)).is_err());
    assert!(whole(&four_of_nine(&[]), &[], None).is_err());
    let packed = whole(&Point::default(), &[("content-encoding", "gzip")], Some(9));
    assert!(matches!(packed, Err(Misfit::Odd { .. })), "{packed:?}");
    // Nothing came, but the size was told.
    let begun = Point {
        received: 0,
        ..point
    };
    assert!(whole(&begun, &[], Some(9)).is_ok() && whole(&begun, &[], Some(8)).is_err());
}

#[test]
fn nothing_behind_the_last_byte_is_the_end_unless_more_was_said() {
    let beyond = |size, said: &'static str| {
        let point = Point {
            size,
            ..four_of_nine(&[])
        };
        point.begin(
            StatusCode::RANGE_NOT_SATISFIABLE,
            &headers(&[("content-range", said)]),
            None,
        )
    };
    assert_eq!(beyond(None, "bytes */4").unwrap().upto, Some(4));
    for (size, said) in [
        (None, "bytes */3"),
        (None, "bytes */9"),
        (Some(9), "bytes */4"),
        (None, ""),
    ] {
        assert!(beyond(size, said).is_err(), "{said}");
    }
}
