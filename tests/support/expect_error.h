// Expectations on the one error type: that it is thrown, is one line, and says what it should.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/error.h"

namespace headlight::testing {

/// Runs `action`, which must throw Error with a one-line message that holds every part.
template <class Action>
void expect_error(Action&& action, std::initializer_list<std::string_view> parts) {
  try {
    action();
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_TRUE(std::ranges::all_of(message, [](unsigned char c) { return c >= 0x20; })) << message;
    EXPECT_LT(message.size(), 1000u) << message;
    for (const std::string_view part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected an error with '" << *parts.begin() << "'";
}

}  // namespace headlight::testing
