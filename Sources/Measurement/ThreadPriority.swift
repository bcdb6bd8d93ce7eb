#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Lets the calling thread run only where the interface leaves a processor idle.
public func lowerPriorityOfThisThread() {
  #if os(Linux)
    // On Linux a thread has a nice value of its own; 0 names the calling thread.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
  #else
    _ = pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0)
  #endif
}
