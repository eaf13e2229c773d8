//! Every door that a URL could open, and that stays shut.

use super::*;

const STRICT: GuardRules = GuardRules { allow_private: false, allow_loopback: false };
const PRIVATE: GuardRules = GuardRules { allow_private: true, allow_loopback: false };
const LOOPBACK: GuardRules = GuardRules { allow_private: false, allow_loopback: true };
const BOTH: GuardRules = GuardRules { allow_private: true, allow_loopback: true };

/// URLs that no receiver may have, whatever it allows.
const NEVER: [&str; 92] = [
    // No web addresses, or not ours.
    "",
    "relay.example/hook",
    "//relay.example/hook",
    "/hook",
    "ftp://relay.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "unix:/run/control.sock",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ws://relay.example/",
    "https:relay.example",
    "https:/relay.example",
    "https://",
    "https:///hook",
    "https://:443/",
    "https://?x",
    // Credentials, and what looks like a host but is one.
    "https://user:password@relay.example/",
    "https://user@relay.example/",
    "https://@relay.example/",
    "https://relay.example@169.254.169.254/",
    "https://169.254.169.254#@relay.example/",
    "https://relay.example#@169.254.169.254/",
    "https://relay.example\\@169.254.169.254/",
    "https://169.254.169.254\\.relay.example/",
    // Bytes that a parser and a resolver read differently.
    "https://relay.example/a b",
    "https://relay.example/\r\nHost: x",
    "https://relay.example/\tx",
    "https://relay.example\u{0}.evil.example/",
    "https://应急.example/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127\u{3002}0\u{3002}0\u{3002}1/",
    "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
    "https://re%6cay.example/",
    "https://127%2e0%2e0%2e1/",
    "https://relay_1.example/",
    "https://-relay.example/",
    "https://relay-.example/",
    "https://relay..example/",
    "https://.relay.example/",
    "https://relay.example./",
    "https://relay.example:0/",
    "https://relay.example:/",
    "https://relay.example:99999/",
    "https://relay.example:-1/",
    "https://relay.example:+443/",
    "https://relay.example:443:80/",
    // Addresses in other spellings.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://127.0.0.01/",
    "https://127.0.0.0x1/",
    "https://0/",
    "https://0x0/",
    "https://3232235777/",
    "https://10.0.0.256/",
    "https://1.2.3.4.5/",
    "https://[::1",
    "https://::1/",
    "https://[127.0.0.1]/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    // Addresses that nobody's receiver has.
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.0.1/",
    "https://100.100.100.200/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.51.100.7/",
    "https://203.0.113.9/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:1::1]/",
    "https://[2001:db8::1]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
];

/// The URL, and under which rules it is taken: strict, private, loopback, both.
const SOMETIMES: [(&str, [bool; 4]); 27] = [
    ("https://relay.example/hook?key=1", [true; 4]),
    ("https://RELAY.example:8443", [true; 4]),
    ("HTTPS://relay.example/", [true; 4]),
    ("https://xn--rest3m.example/", [true; 4]),
    ("https://relay/", [true; 4]),
    ("https://1.1.1.1/", [true; 4]),
    ("https://[2606:4700::1111]:8443/x", [true; 4]),
    ("https://172.15.0.1/", [true; 4]),
    ("https://172.32.0.1/", [true; 4]),
    ("https://10.1.2.3/", [false, true, false, true]),
    ("https://172.16.0.1/", [false, true, false, true]),
    ("https://172.31.255.255/", [false, true, false, true]),
    ("https://192.168.1.1:8443/", [false, true, false, true]),
    ("https://100.64.0.1/", [false, true, false, true]),
    ("https://[fd12:3456::1]/", [false, true, false, true]),
    ("https://127.0.0.1/", [false, false, true, true]),
    ("https://127.8.8.8/", [false, false, true, true]),
    ("https://[::1]/", [false, false, true, true]),
    ("https://localhost/", [false, false, true, true]),
    ("https://LOCALHOST/", [false, false, true, true]),
    ("https://x.localhost/", [false, false, true, true]),
    ("http://127.0.0.1:9000/hook", [false, false, true, true]),
    ("http://[::1]:9000/hook", [false, false, true, true]),
    ("http://localhost:9000/hook", [false, false, true, true]),
    ("http://10.1.2.3/", [false; 4]),
    ("http://1.1.1.1/", [false; 4]),
    ("https://[fd00:ec2::254]/", [false; 4]),
];

#[test]
fn urls_are_refused_before_anything_is_sent() {
    for url in NEVER {
        let found =
            [STRICT, PRIVATE, LOOPBACK, BOTH].map(|rules| Endpoint::parse(url, rules).is_ok());
        assert_eq!(found, [false; 4], "{url:?}");
    }
    for (url, expected) in SOMETIMES {
        let found =
            [STRICT, PRIVATE, LOOPBACK, BOTH].map(|rules| Endpoint::parse(url, rules).is_ok());
        assert_eq!(found, expected, "{url}");
    }
    let long = format!("https://relay.example/{}", "x".repeat(URL_BYTES_MAX));
    assert_eq!(Endpoint::parse(&long, BOTH), Err(GuardError::UrlLong));
}

#[test]
fn an_endpoint_keeps_what_is_needed_to_post() {
    let found = Endpoint::parse("https://Relay.example:8443/a?b=c", STRICT).unwrap();
    let Endpoint { host, port, authority, path_and_query, literal, is_tls } = found;
    assert_eq!((host.as_str(), port, is_tls), ("relay.example", 8443, true));
    assert_eq!((authority.as_str(), path_and_query.as_str()), ("relay.example:8443", "/a?b=c"));
    assert_eq!(literal, None);
    let found = Endpoint::parse("http://[::1]", LOOPBACK).unwrap();
    assert_eq!((found.host.as_str(), found.port, found.authority.as_str()), ("::1", 80, "[::1]"));
    assert_eq!(found.path_and_query, "/");
}

/// What a name turns out to be, one try after the other.
#[track_caller]
fn check_name(url: &str, rules: GuardRules, resolved: &[&str], is_allowed: bool) {
    let endpoint = Endpoint::parse(url, rules).unwrap();
    let addresses: Vec<IpAddr> = resolved.iter().map(|text| text.parse().unwrap()).collect();
    let found = endpoint.checked(&addresses, rules);
    assert_eq!(found.is_ok(), is_allowed, "{url} {resolved:?} {rules:?} {found:?}");
}

#[test]
fn the_addresses_of_a_name_are_judged_like_written_ones() {
    let url = "https://relay.example/";
    check_name(url, STRICT, &["93.184.215.14", "2606:4700::1111"], true);
    check_name(url, PRIVATE, &["10.1.2.3", "fd12:3456::1"], true);
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "172.20.1.1",
        "192.168.0.1",
        "100.64.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "fe80::1",
        "fc00::1",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "255.255.255.255",
        "224.0.0.251",
    ] {
        check_name(url, STRICT, &[address], false);
        // One bad address spoils a name, wherever it stands.
        check_name(url, STRICT, &["93.184.215.14", address], false);
        check_name(url, STRICT, &[address, "93.184.215.14"], false);
    }
    check_name(url, STRICT, &[], false);
    check_name(url, PRIVATE, &["127.0.0.1"], false);
    check_name(url, LOOPBACK, &["10.1.2.3"], false);
    check_name("http://localhost:9000/", LOOPBACK, &["127.0.0.1", "::1"], true);
    check_name("http://localhost:9000/", LOOPBACK, &["93.184.215.14"], false);
    check_name("http://relay.example/", BOTH, &["10.1.2.3"], false);
}

#[test]
fn the_edges_of_networks_are_exact() {
    let is_public = |text: &str| check_address(text.parse().unwrap(), true, STRICT).is_ok();
    for (inside, outside) in [
        ("9.255.255.255", "10.0.0.0"),
        ("11.0.0.0", "10.255.255.255"),
        ("100.63.255.255", "100.64.0.0"),
        ("100.128.0.0", "100.127.255.255"),
        ("126.255.255.255", "127.0.0.0"),
        ("128.0.0.0", "127.255.255.255"),
        ("169.253.255.255", "169.254.0.0"),
        ("172.15.255.255", "172.16.0.0"),
        ("172.32.0.0", "172.31.255.255"),
        ("192.167.255.255", "192.168.0.0"),
        ("192.169.0.0", "192.168.255.255"),
        ("198.17.255.255", "198.18.0.0"),
        ("198.20.0.0", "198.19.255.255"),
        ("223.255.255.255", "224.0.0.0"),
        ("1.0.0.0", "0.255.255.255"),
        ("2001:200::", "2001:1ff:ffff::"),
        ("2003::", "2002:ffff::"),
        ("3ffe:ffff::", "3fff::"),
        ("2000::", "1fff:ffff::"),
        ("3fff:1000::", "4000::"),
    ] {
        assert!(is_public(inside), "{inside}");
        assert!(!is_public(outside), "{outside}");
    }
}
