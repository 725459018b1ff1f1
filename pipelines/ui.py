from eyechart.programs.ui import main

if __name__ == "__main__":
    main()
