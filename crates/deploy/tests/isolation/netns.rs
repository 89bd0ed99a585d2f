//! The matrix for real: a network namespace for each pod, a router between them that filters, and every connection tried.
//!
//! The test runs itself again in a mount and a network namespace of its own. Everything it makes is inside and goes away
//! with the process, however it ends; the host's interfaces, rules and `/run` are never touched.

use crate::cast::{Attempt, Cast, Protocol};
use crate::firewall;
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Set in the process that runs inside.
const INSIDE: &str = "MAINSTAY_TEST_IN_NETNS";
/// Set to `1` by who cannot have network namespaces and knows it.
const WITHOUT: &str = "MAINSTAY_TEST_NO_NETNS";
/// The router's address at every link.
const ROUTER: &str = "10.255.255.1";
/// Refusals arrive as ICMP at once, so only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Connected,
    /// The router refused: ICMP "administratively prohibited".
    Prohibited,
    /// Neither: the laboratory is broken, not the policy.
    Failed(String),
}

/// Runs the body in namespaces of its own, as root of them. `test` is the full name of the calling test.
pub(crate) fn inside(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    if std::env::var(WITHOUT).is_ok_and(|value| value == "1") {
        println!("skipped: {WITHOUT}=1, so nothing is enforced between network namespaces");
        return;
    }
    let advice = format!(
        "install iproute2, nftables and util-linux and run as root (or allow unprivileged user namespaces); \
         {WITHOUT}=1 leaves this test out"
    );
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare.args(["--net", "--mount", "--propagation", "private"]);
    let ready = "mount -t tmpfs tmpfs /run && ip link set lo up && nft list ruleset && exec \"$@\"";
    let able =
        Command::new(unshare.get_program()).args(unshare.get_args()).args(["sh", "-c", ready, "sh", "true"]).output();
    match able {
        Err(error) => panic!("no network namespaces: unshare: {error}; {advice}"),
        Ok(output) if !output.status.success() => {
            panic!("no network namespaces: {}; {advice}", String::from_utf8_lossy(&output.stderr).trim())
        }
        Ok(_) => {}
    }
    let program = std::env::current_exe().expect("the test's own path");
    unshare.args(["sh", "-c", ready, "sh"]).arg(program).args([test, "--exact", "--nocapture"]).env(INSIDE, "1");
    let output = unshare.output().expect("unshare");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("running 1 test"), "{test} is not the name of this test:\n{text}");
    assert!(output.status.success(), "inside the network namespaces:\n{text}");
    println!("{text}");
}

/// Namespaces of a cast, linked to the router that the process itself is in.
pub(crate) struct Laboratory {
    /// How many rulesets were loaded.
    loaded: Cell<u16>,
}

impl Laboratory {
    /// Makes the namespaces and lets every member listen on its ports.
    pub(crate) fn open(cast: &Cast) -> Self {
        assert!(std::env::var_os(INSIDE).is_some(), "call it from the body of inside()");
        let mut commands = format!("addr add {ROUTER}/32 dev lo\n");
        let places = places(cast);
        for (name, ip, _) in &places {
            commands += &format!(
                "netns add {name}\nlink add {name} type veth peer name eth0 netns {name}\nlink set {name} up\n\
                 route add {ip}/32 dev {name}\n"
            );
        }
        ip(&["-batch", "-"], &commands);
        for (key, value) in [("ip_forward", "1"), ("icmp_ratelimit", "0"), ("icmp_ratemask", "0")] {
            std::fs::write(format!("/proc/sys/net/ipv4/{key}"), value).expect("the router's settings");
        }
        std::thread::scope(|scope| {
            for (name, address, member) in &places {
                scope.spawn(move || {
                    let commands = format!(
                        "link set lo up\naddr add {address}/32 dev eth0\nlink set eth0 up\nroute add default via {ROUTER} dev eth0 onlink\n"
                    );
                    ip(&["-netns", name, "-batch", "-"], &commands);
                    listen(name, cast.members[*member].probes.iter().copied());
                });
            }
        });
        Self { loaded: Cell::new(0) }
    }

    /// Replaces the router's rules. Each ruleset tracks connections in a zone of its own: what an earlier one let through is
    /// not "established" to it when a UDP port is used again.
    pub(crate) fn load(&self, ruleset: &str) {
        let zone = self.loaded.get() + 1;
        self.loaded.set(zone);
        let zones = format!(
            "table ip zones {{\n  chain prerouting {{\n    type filter hook prerouting priority raw\n    ct zone set {zone}\n  }}\n}}\n"
        );
        pipe(Command::new("nft").args(["-f", "-"]), &(ruleset.to_owned() + &zones));
    }

    /// The router's interfaces to a member, for the rules.
    pub(crate) fn links(cast: &Cast, member: usize) -> Vec<String> {
        places(cast).into_iter().filter(|(_, _, index)| *index == member).map(|(name, _, _)| name).collect()
    }

    /// Tries the connections, all sources at once.
    pub(crate) fn attempt(&self, cast: &Cast, attempts: &[Attempt]) -> BTreeMap<Attempt, Outcome> {
        let (sender, outcomes) = mpsc::channel();
        std::thread::scope(|scope| {
            for from in 0..cast.members.len() {
                let mine: Vec<Attempt> = attempts.iter().filter(|attempt| attempt.from == from).copied().collect();
                let sender = sender.clone();
                scope.spawn(move || {
                    enter(&format!("m{from}"));
                    for attempt in mine {
                        let to = SocketAddr::from((cast.target(attempt).ip, attempt.port));
                        let outcome = connect(to, attempt.protocol);
                        sender.send((attempt, outcome)).expect("the receiver waits");
                    }
                });
            }
        });
        drop(sender);
        outcomes.into_iter().collect()
    }
}

/// Connections that the router, with the policies compiled for it, treats otherwise than expected.
pub(crate) fn differences(
    laboratory: &Laboratory,
    cast: &Cast,
    objects: &[Value],
    expected: &BTreeMap<Attempt, bool>,
) -> Vec<String> {
    laboratory.load(&firewall::compile(objects, cast, |member| Laboratory::links(cast, member)));
    let attempts: Vec<Attempt> = expected.keys().copied().collect();
    let outcomes = laboratory.attempt(cast, &attempts);
    let wanted = |open| if open { Outcome::Connected } else { Outcome::Prohibited };
    let word = |open| if open { "open" } else { "closed" };
    let differing = expected.iter().filter(|(attempt, open)| outcomes[*attempt] != wanted(**open));
    let describe = |(attempt, open): (&Attempt, &bool)| {
        format!("{}: {} on paper, {:?} for real", cast.describe(*attempt), word(*open), outcomes[attempt])
    };
    differing.map(describe).collect()
}

/// Name of the namespace and of the router's link to it, address, member. Second replicas have their own.
fn places(cast: &Cast) -> Vec<(String, Ipv4Addr, usize)> {
    let mut places = Vec::new();
    for (index, member) in cast.members.iter().enumerate() {
        places.push((format!("m{index}"), member.ip, index));
        places.extend(member.twin.map(|ip| (format!("t{index}"), ip, index)));
    }
    places
}

/// Moves this thread into a namespace; sockets that it makes from now on are there, and stay there.
fn enter(name: &str) {
    let namespace = std::fs::File::open(format!("/run/netns/{name}")).expect("the namespace");
    let kind = rustix::thread::LinkNameSpaceType::Network;
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(kind)).expect("setns");
}

/// Listens until the process ends. The kernel completes TCP handshakes by itself; UDP is answered.
fn listen(namespace: &str, ports: impl Iterator<Item = (u16, Protocol)>) {
    enter(namespace);
    for (port, protocol) in ports {
        match protocol {
            Protocol::Tcp => {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a free port");
                std::thread::spawn(move || listener.incoming().for_each(drop));
            }
            Protocol::Udp => {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).expect("a free port");
                std::thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        // the asker may be gone
                        let _ = socket.send_to(&buffer[..length], from);
                    }
                });
            }
            Protocol::Sctp => panic!("SCTP is not tried for real"),
        }
    }
}

fn connect(to: SocketAddr, protocol: Protocol) -> Outcome {
    let result = match protocol {
        Protocol::Tcp => TcpStream::connect_timeout(&to, PATIENCE).map(drop),
        Protocol::Udp => ask(to),
        Protocol::Sctp => panic!("SCTP is not tried for real"),
    };
    match result {
        Ok(()) => Outcome::Connected,
        Err(error) if error.kind() == ErrorKind::HostUnreachable => Outcome::Prohibited,
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// A question and its answer; the refusal of a datagram is reported at the next call.
fn ask(to: SocketAddr) -> std::io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(b"anybody there?")?;
    socket.recv(&mut [0; 64]).map(drop)
}

fn ip(arguments: &[&str], input: &str) {
    pipe(Command::new("ip").args(arguments), input);
}

fn pipe(command: &mut Command, input: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ip and nft are installed");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads all");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}: {}\n{input}", String::from_utf8_lossy(&output.stderr));
}
