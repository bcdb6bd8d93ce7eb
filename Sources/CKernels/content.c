/// The digest of a tensor's bytes, and made-up weights.
///
/// The digest has the structure of XXH3's long form (Y. Collet, public domain description): eight lanes of 64
/// bits take a stripe of 64 bytes at a time. Each lane adds the product of the two halves of its word, keyed,
/// and its neighbour's word as it is, so that no word is lost where a half happens to be zero. The key moves
/// on with every stripe, which gives stripes an order; after sixteen of them the lanes are scrambled, since sums
/// alone would forget what is high in them. At the end all lanes are folded twice, by different keys, through
/// products of 128 bits. The constants are our own: SplitMix64 from seed 0.
#include "bl_content.h"

#include "kernel.h"

enum { LANES = 8, STRIPE = 64, STRIPES_IN_BLOCK = 16 };

typedef uint64_t u64x8 __attribute__((ext_vector_type(8), aligned(8)));

static const uint64_t start_values[LANES] = {
    0xe220a8397b1dcdafu, 0x6e789e6aa1b965f4u, 0x06c45d188009454fu, 0xf88bb8a8724c81ecu,
    0x1b39896a51a8749bu, 0x53cb9f0c747ea2eau, 0x2c829abe1f4532e1u, 0xc584133ac916ab3cu};
static const uint64_t first_key[LANES] = {
    0x3ee5789041c98ac3u, 0xf3b8488c368cb0a6u, 0x657eecdd3cb13d09u, 0xc2d326e0055bdef6u,
    0x8621a03fe0bbdb7bu, 0x8e1f7555983aa92fu, 0xb54e0f1600cc4d19u, 0x84bb3f97971d80abu};
static const uint64_t key_step[LANES] = {
    0x7d29825c75521255u, 0xc3cf17102b7f7f87u, 0x3466e9a083914f65u, 0xd81a8d2b5a4485adu,
    0xdb01602b100b9ed7u, 0xa9038a921825f10du, 0xedf5f1d90dca2f6bu, 0x54496ad67bd2634du};
static const uint64_t scramble_key[LANES] = {
    0xdd7c01d4f5407269u, 0x935e82f1db4c4f7bu, 0x69b82ebc92233300u, 0x40d29eb57de1d510u,
    0xa2f09dabb45c6316u, 0xee521d7a0f4d3872u, 0xf16952ee72f3454fu, 0x377d35dea8e40225u};
static const uint64_t last_keys[2][LANES] = {{
    0x0c7de8064963bab0u, 0x05582d37111ac529u, 0xd254741f599dc6f7u, 0x69630f7593d108c3u,
    0x417ef96181daa383u, 0x3c3c41a3b43343a1u, 0x6e19905dcbe531dfu, 0x4fa9fa7324851729u}, {
    0x84eb4454a792922au, 0x134f7096918175ceu, 0x07dc930b302278a8u, 0x12c015a97019e937u,
    0xcc06c31652ebf438u, 0xecee65630a691e37u, 0x3e84ecb1763e79adu, 0x690ed476743aae49u}};
static const uint64_t prime = 0x9e3779b1u;

BL_INLINE void load(u64x8 *lanes, const void *bytes) { memcpy(lanes, bytes, sizeof *lanes); }

BL_INLINE void take_stripe(u64x8 *lanes, const void *bytes, const u64x8 *key) {
  u64x8 words;
  load(&words, bytes);
  const u64x8 keyed = words ^ *key;
  *lanes += (keyed & 0xffffffffu) * (keyed >> 32)
            + __builtin_shufflevector(words, words, 1, 0, 3, 2, 5, 4, 7, 6);
}

/// The halves of a product of 128 bits, one on the other.
BL_INLINE uint64_t folded(uint64_t a, uint64_t b) {
  const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

BL_INLINE uint64_t mixed(uint64_t h) {
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

BL_KERNEL void bl_content_hash(const void *bytes, size_t count, uint64_t digest[2]) {
  const uint8_t *next = bytes;
  u64x8 step, scramble, lanes, key;
  load(&step, key_step);
  load(&scramble, scramble_key);
  load(&lanes, start_values);
  load(&key, first_key);
  size_t stripes = count / STRIPE, in_block = 0;
  for (; stripes > 0; stripes--) {
    take_stripe(&lanes, next, &key);
    next += STRIPE;
    key += step;
    if (++in_block == STRIPES_IN_BLOCK) {
      lanes = (lanes ^ (lanes >> 47) ^ scramble) * prime;
      load(&key, first_key);
      in_block = 0;
    }
  }
  // What is left, and nothing too, with zeros behind it: the count tells them from real ones.
  uint8_t rest[STRIPE] = {0};
  if (count % STRIPE > 0) memcpy(rest, next, count % STRIPE);
  key = ~key;
  take_stripe(&lanes, rest, &key);
  for (int half = 0; half < 2; half++) {
    uint64_t h = mixed(count + last_keys[half][0]);
    for (int i = 0; i < LANES; i += 2)
      h += folded(lanes[i] ^ last_keys[half][i], lanes[i + 1] ^ last_keys[half][i + 1]);
    digest[half] = mixed(h);
  }
}

/// A round of mixing for 32 bits ("lowbias32", C. Wellons 2018).
BL_INLINE void mix_lanes(u32x16 *x) {
  *x = (*x ^ (*x >> 16)) * 0x7feb352du;
  *x = (*x ^ (*x >> 15)) * 0x846ca68bu;
  *x = *x ^ (*x >> 16);
}

BL_KERNEL void bl_bell(uint64_t key, size_t count, float deviation, float *restrict out) {
  const uint64_t mixed_key = mixed(key + 0x9e3779b97f4a7c15u);
  const uint32_t low = (uint32_t)mixed_key, high = (uint32_t)(mixed_key >> 32);
  // Four even numbers of 16 bits have a sum of mean 131,070 and variance (65,536^2 - 1) / 3.
  const float scale = deviation * (1.7320508f / 65536.0f);
  for (size_t i = 0; i < count; i += 16) {
    u32x16 a, b;
    for (int lane = 0; lane < 16; lane++) a[lane] = (uint32_t)i + (uint32_t)lane;
    b = a * 0x9e3779b9u ^ high;
    a ^= low;
    mix_lanes(&a);
    b ^= a;
    mix_lanes(&b);
    const u32x16 sums = (a & 0xffffu) + (a >> 16) + (b & 0xffffu) + (b >> 16);
    const i32x16 centred = __builtin_convertvector(sums, i32x16) - 131070;
    const f32x16 values = __builtin_convertvector(centred, f32x16) * scale;
    const size_t length = count - i < 16 ? count - i : 16;
    memcpy(out + i, &values, length * sizeof(float));
  }
}
