from eyechart.programs.sync import main

if __name__ == "__main__":
    main()
