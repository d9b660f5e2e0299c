#include "admin/status_snapshot.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "admin/quantile.hpp"
#include "metrics_page_fixture.hpp"

namespace sluiced::admin {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using observe::ConnectionState;

constexpr std::array<std::uint64_t, 3> kBounds = {10, 20, 40};

std::optional<double> quantile_of_buckets(const std::array<std::uint64_t, 4>& buckets,
                                          double quantile) {
  return quantile_of(kBounds, buckets, quantile);
}

TEST(Quantile, SpreadsValuesEvenlyWithinTheirBucket) {
  EXPECT_EQ(quantile_of_buckets({4, 0, 0, 0}, 0.5), 5);
  EXPECT_EQ(quantile_of_buckets({1, 2, 1, 0}, 0.5), 15);
  EXPECT_EQ(quantile_of_buckets({1, 2, 1, 0}, 1), 40);
  EXPECT_EQ(quantile_of_buckets({0, 0, 4, 0}, 0.25), 25);
  EXPECT_EQ(quantile_of_buckets({0, 3, 0, 0}, 0), 10);
}

TEST(Quantile, IsNothingWithoutValuesAndTheLastBoundBeyondIt) {
  EXPECT_EQ(quantile_of_buckets({0, 0, 0, 0}, 0.5), std::nullopt);
  EXPECT_EQ(quantile_of_buckets({0, 0, 0, 5}, 0.5), 40);
  EXPECT_EQ(quantile_of_buckets({1, 0, 0, 99}, 0.99), 40);
}

serve::ConnectionFacts sending(std::chrono::nanoseconds age, std::string path) {
  serve::ConnectionFacts facts;
  facts.state = ConnectionState::response;
  facts.age = age;
  facts.in_state = 1500ms;
  facts.peer = serve::PeerAddress::ipv4({192, 0, 2, 7});
  facts.requests = 3;
  facts.listener = "web";
  facts.method = "GET";
  facts.site = "_default";
  facts.path = std::move(path);
  facts.bytes_sent = 2048;
  facts.bytes_total = 1024 * 1024;
  return facts;
}

class Status : public PageFixture {
 protected:
  /// Of two shards that serve and the one that controls; nobody does anything.
  StatusSnapshot idle() {
    make_shards(2);
    StatusSnapshot snapshot;
    snapshot.build = build;
    snapshot.uptime = 3725s;
    snapshot.limits.max_connections = 500;
    snapshot.listeners.push_back({"web", "http://127.0.0.1:8080/", 20000, 4096});
    for (const ShardSource& source : sources) {
      snapshot.shards.push_back({source, ShardActivity()});
    }
    return snapshot;
  }
  static void add(StatusSnapshot& snapshot, std::size_t shard, serve::ConnectionFacts facts) {
    serve::ActiveConnections& connections = snapshot.shards[shard].activity->connections;
    connections.oldest.push_back(std::move(facts));
    ++connections.total;
  }
};

TEST_F(Status, TellsWhatEachShardHasCountedAndWhatItIsDoing) {
  StatusSnapshot snapshot = idle();
  touch_everything(shards[1]);
  snapshot.shards[1].activity->operations[static_cast<std::size_t>(sluice::OperationKind::send)] =
      4;
  const Json json = Json::parse(status_json(snapshot));
  const Json& shard = json["shards"][1];
  EXPECT_EQ(shard["shard"], "1");
  EXPECT_EQ(shard["answers"], true);
  EXPECT_EQ(shard["connections"]["idle"], 1);
  EXPECT_EQ(shard["operations"]["send"]["in_flight"], 4);
  EXPECT_EQ(shard["operations"]["send"]["errors"], 1);
  EXPECT_EQ(shard["operations"]["send"]["count"], 1);
  EXPECT_EQ(shard["response_body_bytes"], 1);
  EXPECT_EQ(shard["requests"], requests_answered(shards[1].server));
  EXPECT_GT(shard["requests"], 100) << "each method with each status";
  EXPECT_EQ(json["shards"][0]["requests"], 0);
  EXPECT_FALSE(json["shards"][2].contains("connections")) << "the one that controls";
  EXPECT_EQ(json["totals"]["operations"]["send"]["count"], 1);
  // One operation of 3 microseconds: half of it lies within its bucket, from 2 to 3.
  EXPECT_DOUBLE_EQ(json["totals"]["operations"]["send"]["p50_seconds"], 2.5e-6);
  EXPECT_TRUE(json["shards"][0]["operations"]["send"]["p99_seconds"].is_null());
}

TEST_F(Status, SaysWhichShardDoesNotAnswerAndTellsWhatItHasCounted) {
  StatusSnapshot snapshot = idle();
  shards[0].server.response_body_bytes.add(77);
  snapshot.shards[0].activity.reset();
  const Json json = Json::parse(status_json(snapshot));
  EXPECT_EQ(json["shards"][0]["answers"], false);
  EXPECT_EQ(json["shards"][0]["response_body_bytes"], 77);
  EXPECT_TRUE(json["shards"][0]["operations"]["send"]["in_flight"].is_null());
  EXPECT_NE(status_text(snapshot).find("does not answer"), std::string::npos);
}

TEST_F(Status, TellsOfTheOldestConnectionsOfAllShardsFirst) {
  StatusSnapshot snapshot = idle();
  add(snapshot, 0, sending(10s, "b"));
  add(snapshot, 1, sending(70s, "a"));
  add(snapshot, 1, sending(5s, "c"));
  const Json in_flight = Json::parse(status_json(snapshot))["in_flight"];
  EXPECT_EQ(in_flight["total"], 3);
  ASSERT_EQ(in_flight["connections"].size(), 3);
  EXPECT_EQ(in_flight["connections"][0], (Json{{"shard", "1"},
                                               {"state", "response"},
                                               {"age_seconds", 70.0},
                                               {"in_state_seconds", 1.5},
                                               {"peer", "192.0.2.7"},
                                               {"port", 0},
                                               {"listener", "web"},
                                               {"requests", 3},
                                               {"method", "GET"},
                                               {"site", "_default"},
                                               {"path", "a"},
                                               {"bytes_sent", 2048},
                                               {"bytes_total", 1048576}}));
  EXPECT_EQ(in_flight["connections"][1]["path"], "b");
  EXPECT_EQ(in_flight["connections"][2]["path"], "c");
}

TEST_F(Status, IsBoundedHoweverManyConnectionsThereAreAndWhateverTheyAskFor) {
  StatusSnapshot snapshot = idle();
  for (int number = 0; number < 1500; ++number) {
    add(snapshot, 0, sending(1s * number, std::string(serve::kLongestPathFact, '\x01')));
  }
  const std::string text = status_json(snapshot);
  const Json in_flight = Json::parse(text)["in_flight"];
  EXPECT_EQ(in_flight["total"], 1500);
  EXPECT_EQ(in_flight["told"], 1000);
  EXPECT_EQ(in_flight["connections"].size(), 1000);
  EXPECT_EQ(in_flight["connections"][0]["age_seconds"], 1499.0);
  EXPECT_LT(text.size(), 1000U * 2048 + 3U * 8192 + 16384);
  EXPECT_NE(status_text(snapshot).find("... and 500 more that are younger\n"), std::string::npos);
}

TEST_F(Status, IsJsonAndPrintableWhateverBytesAPathHas) {
  StatusSnapshot snapshot = idle();
  add(snapshot, 0, sending(1s, "a\xff\"\x1b[2Jb"));
  const Json json = Json::parse(status_json(snapshot));
  EXPECT_EQ(json["in_flight"]["connections"][0]["path"], "a\xEF\xBF\xBD\"\x1b[2Jb");
  const std::string text = status_text(snapshot);
  EXPECT_NE(text.find("GET /a\\xff\"\\x1b[2Jb\n"), std::string::npos) << text;
}

TEST_F(Status, IsReadByAPerson) {
  StatusSnapshot snapshot = idle();
  shards[0].server.connections[0].add(2);
  shards[1].server.connections[3].add(1);
  snapshot.reloads.succeeded = 1;
  snapshot.reloads.failed = 1;
  snapshot.reloads.last_succeeded = false;
  add(snapshot, 1, sending(70s, "large.bin"));
  const std::string text = status_text(snapshot);
  for (const std::string_view part :
       {"sluiced 0.1.0, up for 1h 2m\n",
        "configuration 2; 2 reloads, 1 failed, and so did the last\n",
        "0 requests answered, 0 B sent\n",
        "3 connections of at most 500: 2 idle, 0 head, 0 request, 1 response, 0 body, 0 closing\n",
        "1m 10s", "192.0.2.7:0", "2.0 KiB of 1.0 MiB GET /large.bin\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

}  // namespace
}  // namespace sluiced::admin
