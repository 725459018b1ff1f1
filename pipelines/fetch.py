from eyechart.programs.fetch import main

if __name__ == "__main__":
    main()
