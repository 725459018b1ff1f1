from eyechart.programs.runs import main

if __name__ == "__main__":
    main()
