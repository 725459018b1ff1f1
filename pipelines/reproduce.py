from eyechart.programs.reproduce import main

if __name__ == "__main__":
    main()
