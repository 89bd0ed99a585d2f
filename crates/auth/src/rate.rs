//! Rate limits: GCRA per client address (and per account for password attempts), on the room's clock.
//!
//! State is bounded: keys that are back at full allowance are forgotten every minute, and when a table is full all the
//! same, newcomers are refused until there is room again.

use crate::config::Config;
use crate::error::{Code, Failure};
use governor::clock::Clock as GovernorClock;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use mainstay_kernel::clock::SharedClock;
use mainstay_kernel::http::Networks;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

const MAX_KEYS: usize = 100_000;

/// The limits of this room.
#[derive(Debug)]
pub(crate) struct Limits {
    refresh: Limit,
    sign_in: Limit,
    account: Limit,
    verify: Limit,
    anonymous: Limit,
    exempt: Networks,
}

/// What is being limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Refresh,
    SignIn,
    Verify,
    Anonymous,
}

#[derive(Debug)]
struct Limit(Option<RateLimiter<u64, DashMapStateStore<u64>, RoomClock, governor::middleware::NoOpMiddleware<Nanos>>>);

/// The room's clock as governor wants it.
#[derive(Debug, Clone)]
struct RoomClock(SharedClock);

// === impl Limits ===

impl Limits {
    pub(crate) fn new(config: &Config, clock: &SharedClock) -> Self {
        const WINDOW: Duration = Duration::from_secs(300);
        let limit = |count, window| Limit::new(count, window, clock);
        Self {
            refresh: limit(config.rate_limit_token_refresh, WINDOW),
            sign_in: limit(config.rate_limit_sign_in_sign_ups, WINDOW),
            account: limit(config.rate_limit_password_per_account, WINDOW),
            verify: limit(config.rate_limit_token_verifications, WINDOW),
            anonymous: limit(config.rate_limit_anonymous_users, Duration::from_secs(3600)),
            // the section's own check has refused what cannot be read
            exempt: Networks::parse(&config.rate_limit_exempt).unwrap_or_default(),
        }
    }

    /// Takes one from the allowance of a client address. Requests without an address share one allowance.
    pub(crate) fn take(&self, action: Action, address: Option<IpAddr>) -> Result<(), Failure> {
        if self.is_exempt(address) { Ok(()) } else { self.of(action).take(&network(address)) }
    }

    /// Takes one from the allowance of a client address at one account.
    pub(crate) fn take_password(&self, address: Option<IpAddr>, email: &str) -> Result<(), Failure> {
        if self.is_exempt(address) { Ok(()) } else { self.account.take(&(network(address), email)) }
    }

    fn is_exempt(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.exempt.contains(address))
    }

    /// Forgets keys that are back at full allowance.
    pub(crate) fn prune(&self) {
        for limit in [&self.refresh, &self.sign_in, &self.account, &self.verify, &self.anonymous] {
            limit.prune();
        }
    }

    fn of(&self, action: Action) -> &Limit {
        match action {
            Action::Refresh => &self.refresh,
            Action::SignIn => &self.sign_in,
            Action::Verify => &self.verify,
            Action::Anonymous => &self.anonymous,
        }
    }
}

/// One customer usually holds a whole IPv6 /64, so that is what counts as an address.
fn network(address: Option<IpAddr>) -> IpAddr {
    match address {
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        },
        Some(ip) => ip,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

// === impl Limit ===

impl Limit {
    fn new(count: u32, window: Duration, clock: &SharedClock) -> Self {
        Self(NonZeroU32::new(count).and_then(|burst| {
            let quota = Quota::with_period(window / count)?.allow_burst(burst);
            Some(RateLimiter::dashmap_with_clock(quota, RoomClock(clock.clone())))
        }))
    }

    fn take(&self, key: &impl Hash) -> Result<(), Failure> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        if limiter.len() >= MAX_KEYS {
            limiter.retain_recent();
            if limiter.len() >= MAX_KEYS {
                return Err(Failure::from(Code::OverRequestRateLimit).retry_after(60));
            }
        }
        limiter.check_key(&hasher.finish()).map_err(|refusal| {
            let wait = refusal.wait_time_from(limiter.clock().now());
            Failure::from(Code::OverRequestRateLimit).retry_after(wait.as_secs() + 1)
        })
    }

    fn prune(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

// === impl RoomClock ===

impl GovernorClock for RoomClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(Duration::from_nanos(u64::try_from(self.0.now().as_nanosecond()).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_kernel::clock::ManualClock;

    #[test]
    fn an_allowance_is_per_network_and_refills() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let config = Config { rate_limit_sign_in_sign_ups: 2, rate_limit_token_refresh: 0, ..Config::default() };
        let limits = Limits::new(&config, &(clock.clone() as SharedClock));
        let (a, b): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert!(limits.take(Action::SignIn, Some(a)).is_ok() && limits.take(Action::SignIn, Some(a)).is_ok());
        let refusal = limits.take(Action::SignIn, Some(a)).unwrap_err();
        assert_eq!(refusal.which(), Code::OverRequestRateLimit);
        assert!(refusal.retry_seconds().is_some_and(|s| (1..=151).contains(&s)));
        assert!(limits.take(Action::SignIn, Some(b)).is_ok(), "another address is not concerned");
        assert!((0..1000).all(|_| limits.take(Action::Refresh, Some(a)).is_ok()), "0 is no limit");
        clock.advance_seconds(151);
        assert!(limits.take(Action::SignIn, Some(a)).is_ok());
        clock.advance_seconds(10_000);
        limits.prune();
        assert_eq!(limits.sign_in.0.as_ref().unwrap().len(), 0);
    }

    #[test]
    fn ipv6_neighbours_share() {
        let at = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8:0:1::1"), at("2001:db8:0:2::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }
}
