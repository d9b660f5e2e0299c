#include "http/digest_fields.hpp"

#include <openssl/evp.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "request_text.hpp"

namespace sluiced::http {
namespace {

using testing::get_with;
using testing::ParsedRequest;

bool wants_repr(std::string_view lines) {
  const ParsedRequest request(get_with(lines));
  EXPECT_EQ(request.verdict(), "accepted") << lines;
  const WantedDigests wanted = wanted_digests(request.head().fields);
  EXPECT_FALSE(wanted.of_content) << lines;
  return wanted.of_representation;
}

TEST(WantDigest, ReadsTheExamplesOfTheRfc) {
  // RFC 9530 section 4.
  EXPECT_TRUE(wants_repr("Want-Repr-Digest: sha-256=1\r\n"));
  EXPECT_FALSE(wants_repr("Want-Repr-Digest: sha-512=3, sha-256=10, unixsum=0, sha-256=0\r\n"));
  EXPECT_TRUE(wants_repr("Want-Repr-Digest: sha-512=3, sha-256=10, unixsum=0\r\n"));
  const ParsedRequest request(get_with("Want-Content-Digest: sha-256=10, sha=3\r\n"));
  EXPECT_TRUE(wanted_digests(request.head().fields).of_content);
  EXPECT_FALSE(wanted_digests(request.head().fields).of_representation);
}

TEST(WantDigest, IgnoresWhatItDoesNotKnowAndFieldsThatAreNoDictionary) {
  for (const std::string_view value : {"",
                                       "sha-512=10",
                                       "sha-256=0",
                                       "sha-256",
                                       "sha-256=11",
                                       "sha-256=-1",
                                       "sha-256=1.0",
                                       "sha-256=?1",
                                       "sha-256=\"1\"",
                                       "SHA-256=1",
                                       "sha-256 =1",
                                       "sha-256= 1",
                                       "=1",
                                       ",",
                                       "sha-256=1,",
                                       ",sha-256=1",
                                       "sha-256=1 junk",
                                       "sha-256=1 ;a",
                                       "sha-256=01",
                                       "sha-256=1,,sha-512=2",
                                       "sha-256=1 sha-512=2x, !",
                                       "*"}) {
    EXPECT_FALSE(wants_repr("Want-Repr-Digest: " + std::string(value) + "\r\n")) << value;
  }
  EXPECT_FALSE(wants_repr(""));
}

TEST(WantDigest, SeveralLinesAreOneDictionary) {
  EXPECT_TRUE(wants_repr("Want-Repr-Digest: sha-512=1\r\nWant-Repr-Digest: sha-256=2\r\n"));
  EXPECT_FALSE(wants_repr("Want-Repr-Digest: sha-256=2\r\nWant-Repr-Digest: sha-256=0\r\n"));
  EXPECT_FALSE(wants_repr("Want-Repr-Digest: junk\r\nWant-Repr-Digest: sha-256=2\r\n"));
}

TEST(WantDigest, ParametersMeanNothing) {
  EXPECT_TRUE(wants_repr("Want-Repr-Digest: sha-256=3;a=b\r\n"));
  EXPECT_TRUE(wants_repr("Want-Repr-Digest:  sha-256=3 \t, sha-512=1\r\n"));
}

Sha256Digest sha256(std::string_view text) {
  Sha256Digest digest;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  return digest;
}

TEST(DigestField, IsThatOfTheRfc) {
  // RFC 9530 appendix B.1.
  EXPECT_EQ(DigestField(sha256("{\"hello\": \"world\"}\n")).text(),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
}

TEST(DigestField, EncodesLikeOpenSsl) {
  for (int seed = 0; seed < 50; ++seed) {
    const Sha256Digest digest = sha256(std::to_string(seed));
    std::string expected(45, '\0');
    ASSERT_EQ(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(expected.data()), digest.data(), 32),
              44);
    expected.pop_back();
    EXPECT_EQ(DigestField(digest).text(), "sha-256=:" + expected + ":");
  }
}

}  // namespace
}  // namespace sluiced::http
