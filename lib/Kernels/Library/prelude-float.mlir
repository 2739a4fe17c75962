// Element operations of floating-point types.
func.func private @zero() -> !T {
  %r = arith.constant 0.0 : !T
  return %r : !T
}
func.func private @one() -> !T {
  %r = arith.constant 1.0 : !T
  return %r : !T
}
func.func private @add(%a: !T, %b: !T) -> !T {
  %r = arith.addf %a, %b : !T
  return %r : !T
}
func.func private @mul(%a: !T, %b: !T) -> !T {
  %r = arith.mulf %a, %b : !T
  return %r : !T
}
func.func private @min(%a: !T, %b: !T) -> !T {
  %r = arith.minimumf %a, %b : !T
  return %r : !T
}
func.func private @max(%a: !T, %b: !T) -> !T {
  %r = arith.maximumf %a, %b : !T
  return %r : !T
}
func.func private @is_nan(%a: !T) -> i1 {
  %r = arith.cmpf uno, %a, %a : !T
  return %r : i1
}
// a > b in the order that has NaN above all numbers.
func.func private @above(%a: !T, %b: !T) -> i1 {
  %greater = arith.cmpf ogt, %a, %b : !T
  %a_is_nan = arith.cmpf uno, %a, %a : !T
  %b_is_number = arith.cmpf ord, %b, %b : !T
  %nan_first = arith.andi %a_is_nan, %b_is_number : i1
  %r = arith.ori %greater, %nan_first : i1
  return %r : i1
}
