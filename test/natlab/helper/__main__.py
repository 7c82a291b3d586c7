"""The lab's helper: python3 helper lab user|root  |  python3 helper enter <pid> <network fd> <command> [arguments]"""
import sys


def main():
    if sys.argv[1] == "lab":
        import lab

        lab.main(sys.argv[2] == "user", sys.argv[3])
    else:
        import enter

        enter.main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])


main()
