// Part of every program in a sanitizer build; each run time asks for the function of its own name.

/// An allocation that cannot be had returns null, as it does without a sanitizer: the checks for it
/// are what the tests look at.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

/// The same; and libgomp, whose barriers the tool does not see into, is not reported on.
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1 ignore_noninstrumented_modules=1";
}
