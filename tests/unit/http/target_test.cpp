#include "http/target.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

using namespace std::literals;

/// The normalised path with "/" behind it if the target ended in a slash, or the error's label.
std::string normalised(std::string_view target) {
  PathBuffer buffer;
  const auto path = normalise_target(target, buffer);
  if (!path) return "error " + std::string(target_error_label(path.error()));
  EXPECT_EQ(path->relative.data()[path->relative.size()], '\0') << target;
  return std::string(path->relative) + (path->ends_in_slash ? "/" : "");
}

TEST(PathNormalise, ResolvesComponentsInOrder) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"/", "./"},
      {"", "./"},
      {"//", "./"},
      {"/.", "./"},
      {"/./", "./"},
      {"/a", "a"},
      {"/a/", "a/"},
      {"/a/b/c", "a/b/c"},
      {"//a///b//", "a/b/"},
      {"/a/./b", "a/b"},
      {"/a/.", "a/"},
      {"/a/b/..", "a/"},
      {"/a/..", "./"},
      {"/a/../b", "b"},
      {"/a/b/../../c/", "c/"},
      {"/a//../b", "b"},  // Empty components are gone before ".." looks at them.
      {"/...", "..."},
      {"/..a/b..", "..a/b.."},
      {"/a/b.txt", "a/b.txt"},
  };
  for (const auto& [target, path] : cases) EXPECT_EQ(normalised(target), path) << target;
}

TEST(PathNormalise, RefusesToLeaveTheRoot) {
  for (const std::string_view target :
       {"/..", "/../", "/../a", "/a/../..", "/a/../../b", "/./..", "//..", "/%2e%2e/a", "/.%2E",
        "/a/%2e%2e/%2e./b", "/%2E./etc/passwd"}) {
    EXPECT_EQ(normalised(target), "error escape") << target;
  }
}

TEST(PathNormalise, DecodesOnceAndOnlyOnce) {
  EXPECT_EQ(normalised("/%41%5a%61%7A"), "AZaz");
  EXPECT_EQ(normalised("/a%20b%23%3F"), "a b#?");
  EXPECT_EQ(normalised("/%C3%BC"), "\xC3\xBC");
  EXPECT_EQ(normalised("/caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(normalised("/%FF%fe"), "\xFF\xFE");
  EXPECT_EQ(normalised("/%252e%252e/"), "%2e%2e/");
  EXPECT_EQ(normalised("/%2541"), "%41");
  EXPECT_EQ(normalised("/%0d%0a%09%7f"), "\r\n\t\x7f");  // A file may be called so.
  EXPECT_EQ(normalised("/a%2Eb"), "a.b");
}

TEST(PathNormalise, RefusesBrokenPercentEncoding) {
  for (const std::string_view target : {"/%", "/%4", "/%zz", "/%4g", "/%g4", "/a%", "/%%41",
                                        "/%u0041", "/% 41", "/%-1", "/%+1", "/%4/1", "/%2?5"}) {
    EXPECT_TRUE(normalised(target) == "error bad_encoding") << target << ": " << normalised(target);
  }
}

TEST(PathNormalise, RefusesEncodedSlashAndNul) {
  EXPECT_EQ(normalised("/a%2fb"), "error encoded_slash");
  EXPECT_EQ(normalised("/%2F"), "error encoded_slash");
  EXPECT_EQ(normalised("/..%2f..%2fetc"), "error encoded_slash");
  EXPECT_EQ(normalised("/a%00"), "error encoded_nul");
  EXPECT_EQ(normalised("/%00/../a"), "error encoded_nul");
}

TEST(PathNormalise, BackslashIsAnOrdinaryByteWhenEncodedAndRefusedRaw) {
  EXPECT_EQ(normalised("/a%5Cb"), "a\\b");
  EXPECT_EQ(normalised("/..%5c..%5cetc"), "..\\..\\etc");
  EXPECT_EQ(normalised("/a\\b"), "error forbidden_byte");
  EXPECT_EQ(normalised("/\\..\\a"), "error forbidden_byte");
}

TEST(PathNormalise, RefusesRawBytesThatNoTargetHolds) {
  for (const std::string_view target :
       {"/a b"sv, "/a\tb"sv, "/a#b"sv, "/a\0b"sv, "/a\nb"sv, "/\x7f"sv}) {
    EXPECT_EQ(normalised(target), "error forbidden_byte") << target;
  }
  EXPECT_EQ(normalised("a"), "error not_absolute");
  EXPECT_EQ(normalised("*"), "error not_absolute");
  EXPECT_EQ(normalised("%2Fa"), "error not_absolute");
}

TEST(PathNormalise, SplitsTheQueryOffFirst) {
  PathBuffer buffer;
  const auto path = normalise_target("/a/?b=../%zz\\?c", buffer);
  ASSERT_TRUE(path);
  EXPECT_EQ(path->relative, "a");
  EXPECT_TRUE(path->ends_in_slash);
  EXPECT_TRUE(path->has_query);
  EXPECT_EQ(path->query, "b=../%zz\\?c");
  const auto root = normalise_target("?q", buffer);
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->is_root());
  EXPECT_EQ(root->query, "q");
  EXPECT_FALSE(normalise_target("/a", buffer)->has_query);
  EXPECT_TRUE(normalise_target("/a?", buffer)->has_query);
  EXPECT_EQ(normalised("/a%3Fb"), "a?b");
}

TEST(PathNormalise, NoticesHiddenComponents) {
  const std::pair<std::string_view, bool> cases[] = {
      {"/", false},
      {"/.", false},
      {"/a.b/c.", false},
      {"/.git/config", true},
      {"/a/.b", true},
      {"/a/%2Eb", true},
      {"/...", true},
      {"/.a/../b", false},  // What is not there any more hides nothing.
      {"/.well-known", false},
      {"/.well-known/acme-challenge/x", false},
      {"/x/../.well-known/y", false},
      {"/.well-known/.git", true},
      {"/a/.well-known", true},
      {"/.well-known2", true},
      {"/.Well-Known", true},
  };
  for (const auto& [target, hidden] : cases) {
    PathBuffer buffer;
    const auto path = normalise_target(target, buffer);
    ASSERT_TRUE(path) << target;
    EXPECT_EQ(path->is_hidden, hidden) << target;
  }
}

TEST(PathNormalise, LimitsComponentsAndTheWhole) {
  const std::string longest(255, 'n');
  EXPECT_EQ(normalised("/" + longest), longest);
  EXPECT_EQ(normalised("/a/" + longest + "n/b"), "error too_long");
  // Decided after ".." has been resolved.
  EXPECT_EQ(normalised("/" + longest + "n/../b"), "b");

  std::string whole;
  while (whole.size() + 256 < kMaxPathBytes) whole += "/" + longest;
  whole += "/" + std::string(kMaxPathBytes + 1 - whole.size() - 1, 'z');
  EXPECT_EQ(normalised(whole), whole.substr(1));
  EXPECT_EQ(normalised(whole + "z"), "error too_long");

  PathBuffer buffer;
  const auto component = normalise_target("/" + longest + "n", buffer);
  EXPECT_EQ(target_error_status(component.error()), Status::not_found);
  const auto total = normalise_target(whole + "z", buffer);
  EXPECT_EQ(target_error_status(total.error()), Status::uri_too_long);
  EXPECT_EQ(target_error_status(TargetError::above_root), Status::bad_request);
}

TEST(EncodePath, EncodesAllButUnreservedAndSlash) {
  EXPECT_EQ(encode_path("a/b-c._~"), "/a/b-c._~");
  EXPECT_EQ(encode_path("a b\"<>%?#&':;=+\\"), "/a%20b%22%3C%3E%25%3F%23%26%27%3A%3B%3D%2B%5C");
  EXPECT_EQ(encode_path("\xC3\xBC\xFF\r\n"s), "/%C3%BC%FF%0D%0A");
  EXPECT_EQ(encode_path("\0"s), "/%00");
  std::string href;
  append_encoded(href, "javascript:alert(1)");
  EXPECT_EQ(href, "javascript%3Aalert%281%29");
}

TEST(EncodePath, BeginsWithExactlyOneSlash) {
  EXPECT_EQ(encode_path(""), "/");
  EXPECT_EQ(encode_path("/"), "/");
  EXPECT_EQ(encode_path("//evil.example/.."), "/evil.example/..");
  EXPECT_EQ(encode_path("///a/"), "/a/");
}

TEST(EncodePath, DecodesToTheSamePath) {
  std::string every_byte;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') every_byte.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(normalised(encode_path(every_byte)), every_byte);
}

}  // namespace
}  // namespace sluiced::http
