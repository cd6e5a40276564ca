// Threads of the pool on cores of their own, so that a measurement does not migrate.
#pragma once

#include <omp.h>
#include <sched.h>

#include <vector>

namespace headlight::bench {

/// Pins pool thread i to the i-th core that this process may use (going round when there are
/// fewer).
inline void pin_threads(int threads) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &allowed)) cores.push_back(core);
#pragma omp parallel num_threads(threads)
  {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cores[static_cast<std::size_t>(omp_get_thread_num()) % cores.size()], &own);
    sched_setaffinity(0, sizeof(own), &own);
  }
}

}  // namespace headlight::bench
