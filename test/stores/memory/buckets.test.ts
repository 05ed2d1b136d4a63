import t from 'tap'
import { createBuckets } from '../../../stores/memory/buckets.ts'

t.test('tokens come back one by one', async t => {
  let now = 1_000_000
  const { take } = createBuckets(10_000, () => now)
  const bucket = { name: 'ann', points: 4 }
  for (let index = 0; index < 4; index++) t.strictSame(take([bucket]), [0])
  t.strictSame(take([bucket]), [2500])
  now += 2499
  t.strictSame(take([bucket]), [1])
  now += 1
  t.strictSame(take([bucket]), [0])
  t.strictSame(take([bucket]), [2500])
  now += 3_600_000
  for (let index = 0; index < 4; index++) t.strictSame(take([bucket]), [0])
  t.strictSame(take([bucket]), [2500], 'an hour saves up no more than it holds')
})

t.test('numbers that do not divide give exactly what the bucket holds', async t => {
  for (const points of [1, 3, 7, 499, 2000, 99_991]) {
    const { take } = createBuckets(10_000, () => 1_763_546_400_123)
    let passed = 0
    while (passed <= points && take([{ name: 'x', points }])[0] === 0) passed++
    t.equal(passed, points)
  }
})

t.test('a clock that goes back, or rates that fall, lock nobody out', async t => {
  let now = 50_000_000
  const { take } = createBuckets(10_000, () => now)
  const bucket = { name: 'ann', points: 2 }
  t.strictSame([take([bucket]), take([bucket])], [[0], [0]])
  now -= 40_000_000
  t.strictSame(take([bucket]), [5000])
  now += 5000
  t.strictSame(take([bucket]), [0])
})

t.test('a hundred thousand buckets, then the one not used for longest is forgotten', async t => {
  const { take } = createBuckets(10_000, () => 5)
  const bucketOf = (index: number) => ({ name: `user ${index}`, points: 1 })
  for (let index = 0; index < 100_000; index++) take([bucketOf(index)])
  t.strictSame(take([bucketOf(0)]), [10_000], 'all are known')
  take([bucketOf(100_000)])
  t.strictSame(take([bucketOf(1)]), [0], 'a full one again')
  t.strictSame(take([bucketOf(100_000)]), [10_000])
})

t.test('what somebody else knows better', async t => {
  const time = { now: 1_000_000 }
  const { take, align } = createBuckets(10_000, () => time.now)
  const bucket = { name: 'ann', points: 5 }
  t.same(take([bucket]), [0])
  align(bucket, 700)
  t.same(take([bucket]), [700])
  time.now += 699
  t.same(take([bucket]), [1])
  time.now += 1
  t.same(take([bucket]), [0])
  t.same(take([bucket]), [2000], 'and from then on as always')
})
