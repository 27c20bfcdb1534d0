//! The names by which a browser in the gym's network asks for this box: its host name, that name in mDNS, those of the
//! config, and the addresses that it has now. They are read from the kernel's own tables, so nobody need be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::SanType;

/// So many addresses at most: a machine with hundreds of bridges is no box.
const ADDRESSES: usize = 16;

/// All of them. The first is what people call the box.
pub fn of_this_box(hosts: &[String]) -> Vec<SanType> {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let table = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut addresses = ipv4(&table("/proc/net/fib_trie"));
    addresses.extend(ipv6(&table("/proc/net/if_inet6")));
    collect(&node, hosts, &addresses)
}

fn collect(node: &str, hosts: &[String], addresses: &[IpAddr]) -> Vec<SanType> {
    let mut names = vec![node.to_string()];
    if !node.contains('.') {
        names.push(format!("{node}.local"));
    }
    names.extend(hosts.iter().cloned());
    names.push("localhost".into());
    let own = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let own = own.into_iter().chain(addresses.iter().copied().filter(|a| !a.is_loopback()).take(ADDRESSES));
    // What the kernel calls itself may be no name of the network.
    let names =
        names.into_iter().filter(|name| is_name(name)).filter_map(|name| Some(SanType::DnsName(name.try_into().ok()?)));
    let mut all: Vec<SanType> = Vec::new();
    for name in names.chain(own.map(SanType::IpAddress)) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(fits))
}

/// The machine's IPv4 addresses in the kernel's table of routes: a line `|-- ADDRESS`, and below it `/32 host LOCAL`.
fn ipv4(table: &str) -> Vec<IpAddr> {
    let (mut found, mut last) = (Vec::new(), None);
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(last.map(IpAddr::from).filter(|address| !found.contains(address)));
        }
    }
    found
}

/// The machine's IPv6 addresses that a browser can ask for: without those of one link (scope 20) and those that change
/// (flag 1). A line is address, interface, length, scope, flags and name, all in hexadecimal.
fn ipv6(table: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u128::from_str_radix(words.next()?, 16).ok()?;
        let number = |text: &str| u8::from_str_radix(text, 16).ok();
        let (scope, flags) = (number(words.nth(2)?)?, number(words.next()?)?);
        (scope == 0 && flags & 1 == 0).then(|| IpAddr::from(Ipv6Addr::from(address)))
    };
    table.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_kernels_tables() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.0.0.0\n        \
                    /24 link UNICAST\n     |-- 10.0.0.7\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link \
                    BROADCAST\nLocal:\n     |-- 10.0.0.7\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(ipv4(trie), [IpAddr::from([10, 0, 0, 7]), IpAddr::from([127, 0, 0, 1])]);
        let inet6 = "00000000000000000000000000000001 01 80 10 80 lo\n\
                     fe800000000000000000000000000001 02 40 20 80 eth0\n\
                     fd000000000000000000000000000007 02 40 00 80 eth0\n\
                     fd0000000000000000000000000000ab 02 40 00 01 eth0\nnonsense\n";
        assert_eq!(ipv6(inet6), ["fd00::7".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn a_box_goes_by_its_name_its_mdns_name_those_of_the_config_and_its_addresses() {
        let name = |text: &str| SanType::DnsName(text.to_string().try_into().unwrap());
        let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
        let found = collect("spotter-7f3a", &["gym.example".into(), "localhost".into()], &[[10, 0, 0, 7].into()]);
        let want = [
            name("spotter-7f3a"),
            name("spotter-7f3a.local"),
            name("gym.example"),
            name("localhost"),
            address("127.0.0.1"),
            address("::1"),
            address("10.0.0.7"),
        ];
        assert_eq!(found, want);
        let many: Vec<IpAddr> = (0..99).map(|n| [10, 0, 0, n].into()).collect();
        assert_eq!(collect("(none)", &[], &many).len(), 3 + ADDRESSES, "what is no name is left out");
        assert!(of_this_box(&[]).contains(&name("localhost")));
    }
}
