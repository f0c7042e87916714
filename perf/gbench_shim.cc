// gbench_shim.cc: the one C++ file of this room: Google Benchmark 1.7 behind gbench.h.
// SPDX-License-Identifier: MIT
#include "perf/gbench.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace
{
using Run = benchmark::BenchmarkReporter::Run;

// Keeps every run and prints nothing.
class Collector : public benchmark::BenchmarkReporter
{
  public:
    bool ReportContext(const Context &) override
    {
        return true;
    }
    void ReportRuns(const std::vector<Run> &report) override
    {
        runs.insert(runs.end(), report.begin(), report.end());
    }
    std::vector<Run> runs;
};

// The library keeps one context for the whole process and refuses a key that is there: this one stands in its place.
class Context
{
  public:
    explicit Context(std::map<std::string, std::string> *context) : saved(benchmark::internal::GetGlobalContext())
    {
        benchmark::internal::GetGlobalContext() = context;
    }
    ~Context()
    {
        benchmark::internal::GetGlobalContext() = saved;
    }

  private:
    std::map<std::string, std::string> *saved;
};
} // namespace

struct assay_gbench {
    Collector collector;
    std::map<std::string, std::string> context;
};

extern "C" assay_gbench *assay_gbench_begin(void)
try {
    return new assay_gbench;
} catch (...) {
    return nullptr;
}

extern "C" void assay_gbench_end(assay_gbench *g)
{
    delete g;
}

extern "C" double assay_gbench_take(assay_gbench *g, const char *name, const char *label, assay_gbench_sample sample,
                                    void *user)
try {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(name,
                                 [=](benchmark::State &state) {
                                     for (auto _ : state) {
                                         double seconds = sample(user);
                                         if (!(seconds >= 0)) {
                                             state.SkipWithError("the sample failed");
                                             break;
                                         }
                                         state.SetIterationTime(seconds);
                                     }
                                     state.SetLabel(label);
                                 })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
    size_t before = g->collector.runs.size();
    benchmark::RunSpecifiedBenchmarks(&g->collector, ".");
    benchmark::ClearRegisteredBenchmarks();
    if (g->collector.runs.size() != before + 1) return nan;
    const Run &run = g->collector.runs.back();
    return run.error_occurred ? nan : run.real_accumulated_time;
} catch (...) {
    return std::numeric_limits<double>::quiet_NaN();
}

extern "C" int assay_gbench_context(assay_gbench *g, const char *key, const char *value)
try {
    g->context[key] = value;
    return 0;
} catch (...) {
    return -1;
}

extern "C" char *assay_gbench_json(assay_gbench *g)
try {
    const Context own(&g->context);
    std::ostringstream text;
    benchmark::JSONReporter json;
    json.SetOutputStream(&text);
    json.SetErrorStream(&text);
    json.ReportContext(benchmark::BenchmarkReporter::Context());
    json.ReportRuns(g->collector.runs);
    json.Finalize();
    return strdup(text.str().c_str());
} catch (...) {
    return nullptr;
}
