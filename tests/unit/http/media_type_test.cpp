#include "http/media_type.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluiced::http {
namespace {

TEST(MediaType, GoesByTheExtension) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"index.html", "text/html; charset=utf-8"},
      {"INDEX.HTM", "text/html; charset=utf-8"},
      {"notes.txt", "text/plain; charset=utf-8"},
      {"README.md", "text/markdown; charset=utf-8"},
      {"a.css", "text/css; charset=utf-8"},
      {"a.js", "text/javascript; charset=utf-8"},
      {"a.MJS", "text/javascript; charset=utf-8"},
      {"a.csv", "text/csv; charset=utf-8"},
      {"a.vtt", "text/vtt; charset=utf-8"},
      {"a.cpp", "text/plain; charset=utf-8"},
      {"a.json", "application/json"},
      {"a.jsonl", "application/jsonl"},
      {"a.geojson", "application/geo+json"},
      {"a.yaml", "application/yaml"},
      {"a.toml", "application/toml"},
      {"a.xml", "application/xml"},
      {"a.svg", "image/svg+xml"},
      {"a.png", "image/png"},
      {"a.jpeg", "image/jpeg"},
      {"a.avif", "image/avif"},
      {"a.webp", "image/webp"},
      {"a.wasm", "application/wasm"},
      {"a.woff2", "font/woff2"},
      {"a.ttf", "font/ttf"},
      {"a.mp4", "video/mp4"},
      {"a.webm", "video/webm"},
      {"a.mkv", "video/x-matroska"},
      {"a.flac", "audio/flac"},
      {"a.opus", "audio/ogg"},
      {"a.epub", "application/epub+zip"},
      {"a.pdf", "application/pdf"},
      {"a.tar.gz", "application/gzip"},
      {"a.zst", "application/zstd"},
      {"a.xz", "application/x-xz"},
      {"a.7z", "application/x-7z-compressed"},
      {"a.deb", "application/vnd.debian.binary-package"},
      {"a.iso", "application/x-iso9660-image"},
      {"a.apk", "application/vnd.android.package-archive"},
      {"a.ipynb", "application/x-ipynb+json"},
      {"a.webmanifest", "application/manifest+json"},
      {"7.7z", "application/x-7z-compressed"},
      {"a.zsh", "text/plain; charset=utf-8"},
  };
  for (const auto& [name, type] : cases) EXPECT_EQ(media_type_of(name), type) << name;
}

TEST(MediaType, IsOctetStreamForTheRest) {
  for (const std::string_view name :
       {"", "Makefile", ".html", ".profile", "a.", ".", "..", "a.unknown", "a.html~", "a.htmll",
        "a.webmanif", "a.webmanifestx", "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "a.\xC3\xBC", "a.0", "a.zzzzzzzzz"}) {
    EXPECT_EQ(media_type_of(name), "application/octet-stream") << name;
  }
}

TEST(MediaType, ExtensionIsWhatFollowsTheLastDot) {
  EXPECT_EQ(file_extension("a.tar.gz"), "gz");
  EXPECT_EQ(file_extension("a"), "");
  EXPECT_EQ(file_extension(".gz"), "");
  EXPECT_EQ(file_extension("a."), "");
  EXPECT_EQ(file_extension("..gz"), "gz");
}

TEST(MediaType, TextHasACharset) {
  for (const std::string_view extension :
       {"html", "txt", "css", "js", "md", "csv", "ics", "vcf", "py", "rs", "tsv", "ttl", "rst",
        "org", "tex", "log", "sh", "diff"}) {
    const std::string_view type = builtin_media_type(extension);
    EXPECT_TRUE(type.starts_with("text/")) << extension;
    EXPECT_TRUE(type.ends_with("; charset=utf-8")) << extension;
  }
}

TEST(MediaTypeOverrides, WinOverTheBuiltinTable) {
  MediaTypeOverrides overrides;
  EXPECT_TRUE(overrides.set(".MD", "text/plain; charset=utf-8"));
  EXPECT_TRUE(overrides.set("zz", "application/x-zz"));
  EXPECT_TRUE(overrides.set("aa", "application/x-aa"));
  EXPECT_TRUE(overrides.set("\xC3\xBC", "application/x-u"));
  EXPECT_EQ(media_type_of("README.md", overrides), "text/plain; charset=utf-8");
  EXPECT_EQ(media_type_of("a.Zz", overrides), "application/x-zz");
  EXPECT_EQ(media_type_of("a.aa", overrides), "application/x-aa");
  EXPECT_EQ(media_type_of("a.\xC3\xBC", overrides), "application/x-u");
  EXPECT_EQ(media_type_of("a.png", overrides), "image/png");
  EXPECT_EQ(media_type_of("a", overrides), "application/octet-stream");
  EXPECT_TRUE(overrides.set("zz", "application/x-zz2"));
  EXPECT_EQ(media_type_of("a.zz", overrides), "application/x-zz2");
  EXPECT_EQ(overrides.find("png"), "");
  EXPECT_EQ(overrides.find(""), "");
}

TEST(MediaTypeOverrides, RefusesWhatIsNoMediaType) {
  MediaTypeOverrides overrides;
  for (const std::string_view type : {"", "text", "text/", "/plain", "text/pl ain",
                                      "text/plain\r\nX: y", "text/plain; a=\n", "te\"xt/plain"}) {
    EXPECT_FALSE(overrides.set("x", type)) << type;
  }
  EXPECT_FALSE(overrides.set("", "text/plain"));
  EXPECT_FALSE(overrides.set(".", "text/plain"));
  EXPECT_FALSE(overrides.set(std::string(33, 'x'), "text/plain"));
  EXPECT_EQ(overrides.find("x"), "");
}

}  // namespace
}  // namespace sluiced::http
