// A reference to something callable, for parameters: std::function may allocate, this cannot.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace headlight {

template <class Signature>
class FunctionRef;

/// Calls what it was made from, which must live as long; empty when default-made.
template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
 public:
  FunctionRef() = default;
  template <class F>
  requires(!std::is_same_v<F, FunctionRef>) FunctionRef(const F& f)
      : object_(std::addressof(f)), call_([](const void* object, Args... args) -> Result {
          return (*static_cast<const F*>(object))(std::forward<Args>(args)...);
        }) {}

  explicit operator bool() const { return call_ != nullptr; }
  Result operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  const void* object_ = nullptr;
  Result (*call_)(const void*, Args...) = nullptr;
};

}  // namespace headlight
