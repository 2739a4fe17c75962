/* Errors of elementary functions in a shared object, against long double.
 *
 * sweep LIBRARY COUNT: for each function f_f32, f_f64 of the library that it knows, a line
 *   NAME TYPE WORST ARGUMENT
 * with the worst error in units in the last place; "inf" where a special value is wrong.
 * The functions are void f(const T *x, const T *y, T *result, int64_t count).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 };

typedef void (*Kernel)(const void *, const void *, void *, int64_t);
typedef long double Exact;

struct Function {
  const char *name;
  Exact (*unary)(Exact);
  Exact (*binary)(Exact, Exact);
};

static const struct Function functions[] = {
    {"exp", expl, 0},   {"exp2", exp2l, 0},   {"expm1", expm1l, 0}, {"log", logl, 0},
    {"log2", log2l, 0}, {"log10", log10l, 0}, {"log1p", log1pl, 0}, {"sinh", sinhl, 0},
    {"cosh", coshl, 0}, {"tanh", tanhl, 0},   {"asin", asinl, 0},   {"acos", acosl, 0},
    {"atan", atanl, 0}, {"asinh", asinhl, 0}, {"acosh", acoshl, 0}, {"atanh", atanhl, 0},
    {"erf", erfl, 0},   {"sin", sinl, 0},     {"cos", cosl, 0},     {"tan", tanl, 0},
    {"powf", 0, powl},
};

/* Arguments that formulas get wrong: every pair of them is tried, too. */
static const double special[] = {0.0,      -0.0,      INFINITY,   -INFINITY,    NAN,  1,     -1,
                                 2,        -2,        0.5,        -0.5,         3,    -3,    1.5,
                                 0x1p-149, 0x1p-1074, 0x1p-126,   0x1p-1022,    1e38, 1e300, -1e300,
                                 8388609,  4194305.5, 0x1p52 + 1, 0x1p51 + 0.5, 88.8, 709.8, -104};
enum { SPECIALS = sizeof special / sizeof *special };

static uint64_t state;

static uint64_t nextBits(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static double nextIn(double low, double high) {
  return low + (high - low) * ((double)(nextBits() >> 11) * 0x1p-53);
}

static double nextArgument(int isDouble, int64_t i) {
  static const double limits[] = {1.5, 40, 750, 1e5};
  double d;
  float f;
  uint64_t bits = nextBits();
  uint32_t half = (uint32_t)bits;
  if (i & 1)
    return nextIn(-limits[i / 2 % 4], limits[i / 2 % 4]);
  memcpy(&d, &bits, sizeof d);
  memcpy(&f, &half, sizeof f);
  return isDouble ? d : f;
}

static void nextPair(int isDouble, int64_t i, double *x, double *y) {
  /* x^y = exp(l) for l of all sizes, x near 1 and far from it, negative with whole y. */
  double l = nextIn(-1, 1) * ((i & 1) ? 1 : isDouble ? 700 : 85);
  *x = exp(nextIn(-1, 1) * ((i & 2) ? 1 : 50));
  if (!isDouble)
    *x = (float)*x;
  *y = l / log(*x);
  if ((i & 12) == 12) {
    *y = rint(*y);
    *x = -*x;
  }
}

static double toType(int isDouble, Exact x) { return isDouble ? (double)x : (double)(float)x; }

/* The unit in the last place of a finite number. */
static Exact getUnit(int isDouble, Exact x) {
  int exponent, least = isDouble ? DBL_MIN_EXP : FLT_MIN_EXP,
                most = isDouble ? DBL_MAX_EXP : FLT_MAX_EXP;
  frexpl(x, &exponent);
  if (x == 0 || exponent < least)
    exponent = least;
  if (exponent > most)
    exponent = most;
  return ldexpl(1, exponent - (isDouble ? DBL_MANT_DIG : FLT_MANT_DIG));
}

/* In units in the last place of the exact result; infinite where a special value is wrong. */
static double getError(int isDouble, double found, Exact exact) {
  double rounded = toType(isDouble, exact);
  Exact value = found;
  if (isnan(exact) || isnan(found))
    return isnan(exact) && isnan(found) ? 0 : INFINITY;
  if (found == 0 && rounded == 0 && signbit(found) != signbit(rounded))
    return INFINITY;
  if (isinf(found) && found == rounded)
    return 0;
  if (isinf(exact))
    return INFINITY;
  if (isinf(found)) /* what would come after the largest number */
    value = copysignl(ldexpl(1, isDouble ? DBL_MAX_EXP : FLT_MAX_EXP), value);
  return (double)(fabsl(value - exact) / getUnit(isDouble, exact));
}

static void sweep(const struct Function *f, Kernel kernel, int isDouble, int64_t count) {
  static double x[BLOCK], y[BLOCK], result[BLOCK];
  static float xs[BLOCK], ys[BLOCK], results[BLOCK];
  double worst = 0, worstX = 0, worstY = 0;
  state = 88172645463325252u;
  for (int64_t begin = 0; begin < count; begin += BLOCK) {
    for (int j = 0; j < BLOCK; ++j) {
      int64_t i = begin + j;
      if (i < SPECIALS * SPECIALS)
        x[j] = special[i / SPECIALS], y[j] = special[i % SPECIALS];
      else if (f->binary)
        nextPair(isDouble, i, &x[j], &y[j]);
      else
        x[j] = nextArgument(isDouble, i), y[j] = 0;
      xs[j] = (float)x[j], ys[j] = (float)y[j];
      if (!isDouble)
        x[j] = xs[j], y[j] = ys[j];
    }
    if (isDouble)
      kernel(x, y, result, BLOCK);
    else
      kernel(xs, ys, results, BLOCK);
    for (int j = 0; j < BLOCK; ++j) {
      Exact exact = f->binary ? f->binary(x[j], y[j]) : f->unary(x[j]);
      double error = getError(isDouble, isDouble ? result[j] : results[j], exact);
      if (error > worst)
        worst = error, worstX = x[j], worstY = y[j];
    }
  }
  printf("%s %s %.4f %a", f->name, isDouble ? "f64" : "f32", worst, worstX);
  printf(f->binary ? ",%a\n" : "\n", worstY);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return fprintf(stderr, "usage: sweep LIBRARY COUNT\n"), 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library)
    return fprintf(stderr, "%s\n", dlerror()), 1;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i)
    for (int isDouble = 0; isDouble < 2; ++isDouble) {
      char name[64];
      snprintf(name, sizeof name, "%s_%s", functions[i].name, isDouble ? "f64" : "f32");
      Kernel kernel = (Kernel)dlsym(library, name);
      if (kernel)
        sweep(&functions[i], kernel, isDouble, atoll(argv[2]));
    }
  return 0;
}
