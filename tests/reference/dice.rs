//! Seeded dice (SplitMix64): the same seed throws the same, whatever libraries do.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// An index below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).unwrap()).unwrap()
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let count = usize::try_from(high - low + 1).unwrap();
        low + i64::try_from(self.below(count)).unwrap()
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// One of `of`, as often as its weight says.
    pub fn weighted<T: Clone>(&mut self, of: &[(i64, T)]) -> T {
        let mut thrown = self.between(1, of.iter().map(|(weight, _)| weight).sum());
        let hit = of.iter().find(|(weight, _)| {
            thrown -= weight;
            thrown <= 0
        });
        hit.unwrap().1.clone()
    }

    pub fn shuffle<T>(&mut self, of: &mut [T]) {
        for place in (1..of.len()).rev() {
            of.swap(place, self.below(place + 1));
        }
    }

    pub fn shuffled<'a, T>(&mut self, of: &'a [T]) -> Vec<&'a T> {
        let mut order: Vec<&T> = of.iter().collect();
        self.shuffle(&mut order);
        order
    }

    /// Some of `of`, in their order.
    pub fn some_of<T: Clone>(&mut self, of: &[T], count: usize) -> Vec<T> {
        let mut places: Vec<usize> = (0..of.len()).collect();
        self.shuffle(&mut places);
        places.truncate(count);
        places.sort_unstable();
        places.into_iter().map(|place| of[place].clone()).collect()
    }
}
