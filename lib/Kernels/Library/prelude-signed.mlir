// Element operations of signed integers.
func.func private @zero() -> !T {
  %r = arith.constant 0 : !T
  return %r : !T
}
func.func private @one() -> !T {
  %r = arith.constant 1 : !T
  return %r : !T
}
func.func private @add(%a: !T, %b: !T) -> !T {
  %r = arith.addi %a, %b : !T
  return %r : !T
}
func.func private @mul(%a: !T, %b: !T) -> !T {
  %r = arith.muli %a, %b : !T
  return %r : !T
}
func.func private @min(%a: !T, %b: !T) -> !T {
  %r = arith.minsi %a, %b : !T
  return %r : !T
}
func.func private @max(%a: !T, %b: !T) -> !T {
  %r = arith.maxsi %a, %b : !T
  return %r : !T
}
func.func private @is_nan(%a: !T) -> i1 {
  %r = arith.constant false
  return %r : i1
}
func.func private @above(%a: !T, %b: !T) -> i1 {
  %r = arith.cmpi sgt, %a, %b : !T
  return %r : i1
}
