print("bitladder")
