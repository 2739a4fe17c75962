// RUN: moec-opt %s --split-input-file --verify-diagnostics

func.func @offsets(%a: index) {
  // expected-error @+1 {{'kernel.arena' op has 1 entries and gives 'memref<2xindex>' for their offsets}}
  %memory, %offsets = kernel.arena sizes(%a) entries [0 in 3 to 7] : memref<?xi8>, memref<2xindex>
  return
}

// -----

func.func @size(%a: index) {
  // expected-error @+1 {{'kernel.arena' op entry 0 has size 1 of 1}}
  %memory, %offsets = kernel.arena sizes(%a) entries [1 in 3 to 7] : memref<?xi8>, memref<1xindex>
  return
}

// -----

func.func @life(%a: index) {
  // expected-error @+1 {{'kernel.arena' op entry 1 lives from 8 to 7}}
  %memory, %offsets = kernel.arena sizes(%a) entries [0 in 3 to 7, 0 in 8 to 7] : memref<?xi8>, memref<2xindex>
  return
}

// -----

func.func @numbers(%a: index) {
  // expected-error @+1 {{'kernel.arena' op has 2 numbers for entries, expected three for each}}
  %memory, %offsets = "kernel.arena"(%a) {entries = array<i32: 0, 1>} : (index) -> (memref<?xi8>, memref<1xindex>)
  return
}

// -----

func.func @elsewhere(%a: index) {
  %c0 = arith.constant 0 : index
  %m = memref.alloc(%a) : memref<?xi8>
  // expected-error @+1 {{'kernel.place' op is not in the memory of a 'kernel.arena'}}
  %0 = kernel.place %c0 in %m bytes %a : memref<?xi8>
  return
}

// -----

func.func @entry(%a: index) {
  %c1 = arith.constant 1 : index
  %memory, %offsets = kernel.arena sizes(%a) entries [? in 3 to 7] : memref<?xi8>, memref<1xindex>
  // expected-error @+1 {{'kernel.place' op places entry 1 of 1}}
  %0 = kernel.place %c1 in %memory bytes %a : memref<?xi8>
  return
}

// -----

func.func @known(%a: index) {
  %c0 = arith.constant 0 : index
  %memory, %offsets = kernel.arena sizes(%a) entries [0 in 3 to 7] : memref<?xi8>, memref<1xindex>
  // expected-error @+1 {{'kernel.place' op places entry 0, whose size is known to the arena}}
  %0 = kernel.place %c0 in %memory bytes %a : memref<?xi8>
  return
}
