from eyechart.programs.scan import main

if __name__ == "__main__":
    main()
