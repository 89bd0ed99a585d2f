//! Rates (how often) and places (how many at once).

use crate::address::client_group;
use crate::config::Config;
use crate::error::Error;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use mainstay_identity::ResolvedKey;
use mainstay_kernel::http::Networks;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Checks after which idle entries are swept: between two sweeps a map cannot grow by more.
const SWEEP_AFTER: usize = 65_536;

/// The limits of all clients.
pub(crate) struct Limits {
    addresses: Option<Keyed<IpAddr>>,
    keys: Option<Keyed<Box<str>>>,
    exempt: Networks,
    in_flight: Arc<InFlight>,
}

/// One limit, counted per `K`.
struct Keyed<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicUsize,
}

struct InFlight {
    count: AtomicUsize,
    most: usize,
}

/// A request's place among those being worked on; given back when dropped.
pub(crate) struct Place(Arc<InFlight>);

// === impl Limits ===

impl Limits {
    pub(crate) fn new(config: &Config, exempt: Networks) -> Self {
        Self {
            addresses: Keyed::new(config.rate_limit_per_address, config.rate_limit_per_address_burst),
            keys: Keyed::new(config.rate_limit_per_key, config.rate_limit_per_key_burst),
            exempt,
            in_flight: Arc::new(InFlight { count: AtomicUsize::new(0), most: config.max_in_flight }),
        }
    }

    /// Takes a place among the requests in flight.
    pub(crate) fn enter(&self) -> Result<Place, Error> {
        let earlier = self.in_flight.count.fetch_add(1, Ordering::AcqRel);
        let place = Place(self.in_flight.clone());
        if earlier >= self.in_flight.most { Err(Error::Overloaded) } else { Ok(place) }
    }

    pub(crate) fn check_address(&self, client: IpAddr) -> Result<(), Error> {
        match &self.addresses {
            Some(limit) if !self.exempt.contains(client) => limit.check(&client_group(client)),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_key(&self, client: IpAddr, key: &ResolvedKey) -> Result<(), Error> {
        match &self.keys {
            Some(limit) if !self.exempt.contains(client) => limit.check(&key.id),
            _ => Ok(()),
        }
    }

    /// Forgets clients whose allowance is full again.
    pub(crate) fn sweep(&self) {
        if let Some(limit) = &self.addresses {
            limit.sweep();
        }
        if let Some(limit) = &self.keys {
            limit.sweep();
        }
    }
}

// === impl Keyed ===

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// `None` when the rate is 0, which means no limit.
    fn new(per_second: u32, burst: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(rate));
        let limiter = DefaultKeyedRateLimiter::dashmap(quota);
        Some(Self { limiter, clock: DefaultClock::default(), checks: AtomicUsize::new(0) })
    }

    fn check(&self, key: &K) -> Result<(), Error> {
        if self.checks.fetch_add(1, Ordering::Relaxed) >= SWEEP_AFTER {
            self.sweep();
        }
        self.limiter
            .check_key(key)
            .map_err(|not_until| Error::RateLimited { wait: not_until.wait_time_from(self.clock.now()) })
    }

    fn sweep(&self) {
        self.checks.store(0, Ordering::Relaxed);
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(change: fn(&mut Config)) -> Limits {
        let mut config = Config::default();
        change(&mut config);
        Limits::new(&config, Networks::parse(&config.rate_limit_exempt).unwrap())
    }

    #[test]
    fn a_burst_is_allowed_and_neighbours_are_not_punished() {
        let limits = limits(|c| (c.rate_limit_per_address, c.rate_limit_per_address_burst) = (1, 2));
        let (one, same, other) = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1");
        let check = |text: &str| limits.check_address(text.parse().unwrap());
        assert!(check(one).is_ok() && check(same).is_ok());
        assert!(matches!(check(one), Err(Error::RateLimited { .. })));
        assert!(check(other).is_ok());
        for _ in 0..10 {
            assert!(check("127.0.0.1").is_ok());
        }
    }

    #[test]
    fn places_come_back() {
        let limits = limits(|c| c.max_in_flight = 1);
        let place = limits.enter().ok();
        assert_eq!(limits.enter().err(), Some(Error::Overloaded));
        drop(place);
        assert!(limits.enter().is_ok());
    }

    #[test]
    fn full_allowances_are_forgotten() {
        let limits = limits(|c| (c.rate_limit_per_address, c.rate_limit_per_address_burst) = (1_000_000, 1));
        for n in 0..1000_u32 {
            let _ = limits.check_address(IpAddr::V4((0x0B00_0000 + n).into()));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        limits.sweep();
        assert_eq!(limits.addresses.unwrap().limiter.len(), 0);
    }
}
